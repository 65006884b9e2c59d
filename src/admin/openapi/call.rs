//! One call of the API: its words, its examples, and the schemas of what it takes and gives.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::headers;
use super::samples::ID;

/// The schemas that the document shows, by name.
pub(super) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// What an act answers beside what all calls do, since it writes: a record that is no longer what it was, or has
/// ended; and a disk that is full.
pub(super) const WRITES: [u16; 2] = [409, 507];

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever signs in or shows a token; on the local socket the kernel tells who it is.
    Known,
    /// Anybody who reaches the address.
    Anybody,
}

/// A method of a path.
pub(super) struct Call {
    pub(super) method: &'static str,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    operation: Map<String, Value>,
    answers: Map<String, Value>,
    schemas: Schemas,
    parameters: Vec<Value>,
    refused: BTreeSet<u16>,
    who: Who,
}

/// `method` of `path` under a name that programs may give their function, and what it does.
pub(super) fn call(method: &'static str, path: &'static str, name: &str, does: &str) -> Call {
    let topic = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let fields = [("operationId", name), ("summary", does)];
    let mut operation: Map<_, _> =
        fields.into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect();
    operation.insert("tags".to_owned(), json!([topic]));
    let mut call = Call {
        method,
        path,
        operation,
        answers: Map::new(),
        schemas: Schemas::new(),
        parameters: Vec::new(),
        refused: BTreeSet::new(),
        who: Who::Known,
    };
    for name in ["id", "name"] {
        if path.contains(&format!("{{{name}}}")) {
            let (schema, example) = match topic {
                "tokens" => ("TokenId", ID),
                "users" => ("OwnerId", "alice"),
                "companies" => ("Slug", "acme"),
                _ => ("Slug", "chat"),
            };
            let about = "Whom or what the act is about.";
            call.parameter(name, "path", &refer(schema), about, Some(json!(example)));
            call.refused.insert(404);
        }
    }
    call
}

/// Adds schemas by their names. Two types of one name would be told as one.
pub(super) fn keep(
    schemas: &mut Schemas,
    found: impl IntoIterator<Item = (String, RefOr<Schema>)>,
) {
    for (name, schema) in found {
        let known = schemas.get(&name);
        debug_assert!(
            known.is_none_or(|known| json!(known) == json!(schema)),
            "two types are called `{name}`"
        );
        schemas.insert(name, schema);
    }
}

fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn media(media: &str, schema: &Value, example: &Value) -> Value {
    json!({media: {"schema": schema, "example": example}})
}

impl Call {
    fn parameter(
        &mut self,
        name: &str,
        place: &str,
        schema: &Value,
        about: &str,
        example: Option<Value>,
    ) {
        let mut parameter = json!({"name": name, "in": place, "required": place == "path",
            "schema": schema, "description": about});
        if let (Some(fields), Some(example)) = (parameter.as_object_mut(), example) {
            fields.insert("example".to_owned(), example);
        }
        self.parameters.push(parameter);
    }

    fn learn<T: ToSchema>(&mut self) -> Value {
        let name = T::name();
        let mut found = vec![(Cow::into_owned(name.clone()), T::schema())];
        T::schemas(&mut found);
        keep(&mut self.schemas, found);
        refer(&name)
    }

    /// Anybody may call it.
    pub(super) fn by_anybody(mut self) -> Self {
        self.who = Who::Anybody;
        self
    }

    /// Only the operator of the machine may call it, who is at the local socket: anybody else is answered 403.
    pub(super) fn by_operator(mut self) -> Self {
        let about =
            "Only at the local socket, by the operator of the machine; 403 for anybody else.";
        self.operation.insert("description".to_owned(), json!(about));
        self
    }

    /// Takes the fields of `T` as its query; the example has one for each.
    pub(super) fn query<T: ToSchema>(mut self, example: &Value) -> Self {
        let schema = json!(T::schema());
        let mut found = Vec::new();
        T::schemas(&mut found);
        keep(&mut self.schemas, found);
        for (name, field) in
            schema.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let about = field.get("description").and_then(Value::as_str).unwrap_or_default();
            self.parameter(name, "query", &not_null(field), about, example.get(name).cloned());
        }
        self
    }

    /// Takes a JSON body.
    pub(super) fn body<T: ToSchema>(mut self, example: &Value) -> Self {
        let schema = self.learn::<T>();
        let content = media("application/json", &schema, example);
        self.operation
            .insert("requestBody".to_owned(), json!({"required": true, "content": content}));
        self.refuses(&[400, 408, 413, 415])
    }

    /// Takes another kind of body as well.
    pub(super) fn or_body(mut self, kind: &str, example: &str) -> Self {
        let body = self.operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
        if let Some(content) = body.and_then(Value::as_object_mut) {
            content
                .insert(kind.to_owned(), json!({"schema": {"type": "string"}, "example": example}));
        }
        self
    }

    /// Takes an idempotency key.
    pub(super) fn once(mut self) -> Self {
        let about = "A text of 1 to 255 visible characters, made up for this one act.";
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255});
        let name = self.operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        let example = json!(format!("{name}-8e03978e-40d5"));
        self.parameter("Idempotency-Key", "header", &schema, about, Some(example));
        self.refuses(&[409, 422])
    }

    /// May be for one revision alone.
    pub(super) fn at_revision(mut self) -> Self {
        let about = "The revisions that the act is for, as `\"3\"` (RFC 9110 section 13.1.1).";
        let (schema, example) = (json!({"type": "string"}), json!("\"1\""));
        self.parameter("If-Match", "header", &schema, about, Some(example));
        self.refuses(&[409, 412, 507])
    }

    /// Is answered so too.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refused.extend(statuses);
        self
    }

    /// The answers that were told so far come with these fields (`super::headers`).
    pub(super) fn with(mut self, fields: &[&str]) -> Self {
        let headers = headers::named(fields);
        for answer in self.answers.values_mut().filter_map(Value::as_object_mut) {
            answer.insert("headers".to_owned(), headers.clone());
        }
        self
    }

    /// Is answered with JSON.
    pub(super) fn answers<T: ToSchema>(
        mut self,
        status: u16,
        about: &str,
        example: &Value,
    ) -> Self {
        let schema = self.learn::<T>();
        let content = media("application/json", &schema, example);
        self.answers.insert(status.to_string(), json!({"description": about, "content": content}));
        self
    }

    /// Is answered with something that is no JSON.
    pub(super) fn answers_as(mut self, status: u16, about: &str, kinds: &[(&str, &str)]) -> Self {
        let contents: Map<_, _> = kinds
            .iter()
            .map(|(kind, example)| {
                ((*kind).to_owned(), json!({"schema": {"type": "string"}, "example": example}))
            })
            .collect();
        self.answers.insert(status.to_string(), json!({"description": about, "content": contents}));
        self
    }

    /// Is answered with a JSON object that nobody describes.
    pub(super) fn answers_object(mut self, status: u16, about: &str, example: &Value) -> Self {
        let content = media("application/json", &json!({"type": "object"}), example);
        self.answers.insert(status.to_string(), json!({"description": about, "content": content}));
        self
    }

    /// Is answered without a body.
    pub(super) fn answers_nothing(mut self, status: u16, about: &str) -> Self {
        self.answers.insert(status.to_string(), json!({"description": about}));
        self
    }

    /// The operation, and the schemas that it speaks of.
    pub(super) fn finish(mut self) -> (Value, Schemas) {
        // Of any: a name that nobody gave to this address, and a store that is not open.
        self.refused.extend([421, 503]);
        match self.who {
            Who::Known => self.refused.extend([400, 401, 403, 429]),
            Who::Anybody => {
                self.operation.insert("security".to_owned(), json!([]));
                // An act that a page of another site asks for.
                self.refused.extend((self.method != "get").then_some(403));
            }
        }
        for status in self.refused {
            let problem = match (status, self.who) {
                (401, Who::Known) => "NotSignedIn",
                (412, _) => "Changed",
                (429, Who::Known) => "Limited",
                (429, Who::Anybody) => "TooMany",
                _ => "Problem",
            };
            let problem = json!({"$ref": format!("#/components/responses/{problem}")});
            self.answers.insert(status.to_string(), problem);
        }
        if !self.parameters.is_empty() {
            self.operation.insert("parameters".to_owned(), json!(self.parameters));
        }
        self.operation.insert("responses".to_owned(), Value::Object(self.answers));
        (Value::Object(self.operation), self.schemas)
    }
}

/// A field of a query is there or is not: none is `null`.
fn not_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let kind = kinds.iter().find(|kind| **kind != "null").cloned().unwrap_or_default();
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("type".to_owned(), kind);
        }
    }
    let other = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .and_then(|kinds| kinds.iter().find(|kind| kind.get("$ref").is_some()).cloned());
    let Some(mut schema) = other.or(Some(schema)) else { return Value::Null };
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("description");
    }
    schema
}
