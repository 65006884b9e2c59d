//! Tokens as rows of CSV (RFC 4180), to be read by spreadsheets, and read back from them.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe before it, which it takes for text; it
//! is taken off when the row is read.

use std::collections::BTreeMap;

use csv::StringRecord;
use serde_json::Value;
use serde_json::value::RawValue;

/// All columns, in the order in which they are written. Rows that are read may have some of them, in any order.
pub const COLUMNS: [&str; 27] = [
    "owner",
    "name",
    "app",
    "description",
    "company",
    "state",
    "blocked",
    "created_at",
    "not_before",
    "expires_at",
    "lifetime",
    "idle_ttl",
    "last_used_at",
    "flags",
    "contexts",
    "items",
    "params",
    "context_params",
    "conditions",
    "limits",
    "uses_left",
    "quotas_used",
    "hint",
    "id",
    "digest",
    "secret",
    "api",
];

/// How many of them an export has.
const WRITTEN: usize = 25;

/// The columns of an export.
pub fn heads() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().take(WRITTEN)
}

/// Whether what stands in a column is JSON.
fn holds_json(column: &str) -> bool {
    matches!(column, "params" | "context_params" | "conditions" | "limits" | "quotas_used")
}

/// The first line of what is read.
///
/// # Errors
/// A column that has no meaning here.
pub fn known(heads: &StringRecord) -> Result<(), String> {
    match heads.iter().find(|head| !COLUMNS.contains(&head.trim())) {
        Some(head) => {
            let head: String = head.chars().take(40).collect();
            let known = COLUMNS.join(", ");
            Err(format!("there is no column `{}`; known are {known}", head.escape_debug()))
        }
        None => Ok(()),
    }
}

/// A row as the line of an import. Empty cells say nothing.
///
/// # Errors
/// More cells or fewer than there are heads, of which nobody knows what stands where, or one that should hold JSON and
/// does not.
pub fn line(heads: &StringRecord, row: &StringRecord) -> Result<Box<RawValue>, String> {
    if row.len() != heads.len() {
        return Err(format!("{} cells, not {}", row.len(), heads.len()));
    }
    let mut fields = Vec::new();
    for (head, cell) in heads.iter().map(str::trim).zip(row) {
        let cell = unguarded(cell);
        if cell.trim().is_empty() {
            continue;
        }
        let value = value(head, cell).map_err(|error| format!("`{head}`: {error}"))?;
        let name = Value::from(head);
        fields.push(format!("{name}:{value}"));
    }
    let text = format!("{{{}}}", fields.join(","));
    RawValue::from_string(text).map_err(|error| error.to_string())
}

/// What stands in a cell, as JSON text.
fn value(column: &str, cell: &str) -> Result<String, serde_json::Error> {
    let names = || cell.split(',').map(|name| Value::from(name.trim())).collect::<Vec<_>>();
    Ok(match column {
        _ if holds_json(column) => {
            let raw: Box<RawValue> = serde_json::from_str(cell)?;
            raw.get().to_owned()
        }
        "flags" => match cell.trim().parse::<i64>() {
            Ok(bits) => bits.to_string(),
            Err(_) => Value::from(names()).to_string(),
        },
        "contexts" | "items" if cell.trim() != "all" => Value::from(names()).to_string(),
        // As they are, so that an import says what is wrong with them.
        "uses_left" | "blocked" if serde_json::from_str::<Value>(cell.trim()).is_ok() => {
            cell.trim().to_lowercase()
        }
        "blocked" if matches!(cell.trim(), "TRUE" | "FALSE") => cell.trim().to_lowercase(),
        "lifetime" | "idle_ttl" => match cell.trim().parse::<u64>() {
            Ok(seconds) => seconds.to_string(),
            Err(_) => Value::from(cell.trim()).to_string(),
        },
        "name" | "app" | "description" => Value::from(cell).to_string(),
        _ => Value::from(cell.trim()).to_string(),
    })
}

/// The cells of an exported token, which is a JSON object.
pub fn row(token: &BTreeMap<String, Box<RawValue>>) -> Vec<String> {
    heads().map(|head| token.get(head).map_or_else(String::new, |raw| cell(head, raw))).collect()
}

fn cell(column: &str, raw: &RawValue) -> String {
    let value = if holds_json(column) { None } else { serde_json::from_str(raw.get()).ok() };
    guarded(match value {
        Some(Value::String(text)) => text,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        _ => raw.get().to_owned(),
    })
}

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn guarded(text: String) -> String {
    if is_formula(&text) { format!("'{text}") } else { text }
}

fn unguarded(cell: &str) -> &str {
    if is_formula(cell) { cell.strip_prefix('\'').unwrap_or(cell) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_all_come_back() {
        for text in ["=1+1", "+1", "-1", "@x", "'=1", "''-", "\t=1", "plain", "'quoted", "", "a=b"]
        {
            let cell = guarded(text.to_owned());
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            assert_eq!(unguarded(&cell), text);
        }
    }

    #[test]
    fn a_row_is_a_line() {
        let heads =
            StringRecord::from(vec!["owner", "flags", "contexts", "items", "params", "app"]);
        assert!(known(&heads).is_ok());
        let row = StringRecord::from(vec!["alice", "'-1", "a, b", "all", "{ \"a\":1.0 }", ""]);
        let text = r#"{"owner":"alice","flags":-1,"contexts":["a","b"],"items":"all","params":{ "a":1.0 }}"#;
        assert_eq!(line(&heads, &row).unwrap().get(), text);
        let heads = StringRecord::from(vec!["uses_left", "blocked", "quotas_used"]);
        for (cells, text) in [
            (
                ["3", "true", r#"{"day":1}"#],
                r#"{"uses_left":3,"blocked":true,"quotas_used":{"day":1}}"#,
            ),
            (["", "FALSE", ""], r#"{"blocked":false}"#),
            (["some", "perhaps", ""], r#"{"uses_left":"some","blocked":"perhaps"}"#),
        ] {
            assert_eq!(line(&heads, &StringRecord::from(cells.to_vec())).unwrap().get(), text);
        }
        let heads =
            StringRecord::from(vec!["owner", "flags", "contexts", "items", "params", "app"]);
        let bad = StringRecord::from(vec!["alice", "", "", "", "{", ""]);
        assert!(line(&heads, &bad).unwrap_err().starts_with("`params`: "));
        assert!(known(&StringRecord::from(vec!["owner", "pass"])).is_err());
    }
}
