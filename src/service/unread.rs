//! What is wrong with a value that could not be read, in words for people: those of the reader of JSON and of
//! queries name types of programs.

/// The same in plain words; what is in such words already stays as it is.
pub fn plain(said: &str) -> String {
    if let Some(parsed) = of_a_query(said) {
        return parsed.to_owned();
    }
    let Some((before, wanted)) = said.rsplit_once(", expected ") else { return said.to_owned() };
    if let Some(value) =
        before.strip_prefix("unknown variant `").and_then(|it| it.strip_suffix('`'))
    {
        let known = wanted.strip_prefix("one of ").unwrap_or(wanted).replace("` or `", "`, `");
        return format!("`{value}` is not one of {known}");
    }
    if !before.starts_with("invalid ") {
        return said.to_owned();
    }
    let is_number = before.starts_with("invalid value: integer");
    match range(wanted) {
        Some((least, most)) if is_number => {
            return format!("a whole number from {least} to {most} is expected");
        }
        Some(_) => return "a whole number is expected".to_owned(),
        None => {}
    }
    let is = |word: &str| wanted.split(' ').any(|one| one == word);
    let plain = match () {
        () if is("boolean") => "true or false is expected",
        () if is("string") || is("str") || is("enum") => "text is expected",
        () if is("sequence") => "a list is expected",
        () if is("map") || is("struct") => "an object is expected",
        () => said,
    };
    plain.to_owned()
}

/// Of numbers and truth as texts.
fn of_a_query(said: &str) -> Option<&'static str> {
    Some(match said {
        "provided string was not `true` or `false`" => "true or false is expected",
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "a whole number is expected"
        }
        "number too large to fit in target type" => "this number is too large",
        "number too small to fit in target type" => "this number is too small",
        _ => return None,
    })
}

/// What fits a type of whole numbers.
fn range(of: &str) -> Option<(i128, i128)> {
    Some(match of {
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::plain;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Newest,
        Oldest,
    }

    #[derive(Debug, Deserialize)]
    struct Asked {
        #[serde(default)]
        _name: String,
    }

    fn said<T: for<'de> Deserialize<'de> + std::fmt::Debug>(text: &str) -> String {
        let error = serde_json::from_str::<T>(text).unwrap_err();
        let said = error.to_string();
        plain(said.split(" at line ").next().unwrap())
    }

    #[test]
    fn values_that_cannot_be_read_are_told_in_plain_words() {
        assert_eq!(said::<u32>("\"abc\""), "a whole number is expected");
        assert_eq!(said::<u32>("-1"), "a whole number from 0 to 4294967295 is expected");
        assert_eq!(said::<u64>("1.5"), "a whole number is expected");
        assert_eq!(said::<bool>("\"x, expected y\""), "true or false is expected");
        assert_eq!(said::<String>("5"), "text is expected");
        assert_eq!(said::<Vec<u8>>("{}"), "a list is expected");
        assert_eq!(said::<Asked>("5"), "an object is expected");
        assert_eq!(said::<Order>("\"up\""), "`up` is not one of `newest`, `oldest`");
        assert!(matches!(serde_json::from_str("\"newest\""), Ok(Order::Newest)));
        assert!(matches!(serde_json::from_str("\"oldest\""), Ok(Order::Oldest)));
        for (text, wanted) in
            [("x", "a whole number is expected"), ("", "a whole number is expected")]
        {
            assert_eq!(plain(&text.parse::<u64>().unwrap_err().to_string()), wanted);
        }
        assert_eq!(
            plain(&"300".parse::<u8>().unwrap_err().to_string()),
            "this number is too large"
        );
        let error = "yes".parse::<bool>().unwrap_err().to_string();
        assert_eq!(plain(&error), "true or false is expected");
        for own in ["missing field `name`", "flags are a number, -1, or a list of names"] {
            assert_eq!(plain(own), own);
        }
    }
}
