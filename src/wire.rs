//! Names that the wire gives to things: headers, hop-by-hop fields, the body type of the proxied path.
