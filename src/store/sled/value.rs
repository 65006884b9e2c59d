//! The values of the index: a version, a checksum over key and value, and the payload.
//!
//! sled's own checksums guard its pages; these guard what sled makes of them, such as a value that turns
//! up under another key.

use ::sled::IVec;

/// The format of keys and values. An index of another format is rebuilt from the history.
pub(super) const FORMAT: u8 = 5;
/// The oldest kept last uses, and no slots for them, see `upgrade`. The next had one sum for all entries, and no
/// bonds of digests and records; the third had a value for each entry; the fourth had whole digests as keys.
pub(super) const OLDER_FORMAT: u8 = 1;

const HEADER_BYTES: usize = 5;

/// A payload as it is stored under `key`.
pub(super) fn seal(key: &[u8], payload: &[u8]) -> IVec {
    seal_as(FORMAT, key, payload)
}

/// The same in another format.
pub(super) fn seal_as(format: u8, key: &[u8], payload: &[u8]) -> IVec {
    let mut value = Vec::with_capacity(payload.len().saturating_add(HEADER_BYTES));
    value.push(format);
    value.extend_from_slice(&checksum(format, key, payload).to_le_bytes());
    value.extend_from_slice(payload);
    value.into()
}

/// The payload of a value that was found under `key`.
///
/// # Errors
/// Says what does not verify.
pub(super) fn open(key: &[u8], value: &IVec) -> Result<IVec, &'static str> {
    open_as(FORMAT, key, value)
}

/// The same in another format.
///
/// # Errors
/// As [`open`].
pub(super) fn open_as(wanted: u8, key: &[u8], value: &IVec) -> Result<IVec, &'static str> {
    let (format, rest) = value.split_first().ok_or("the value is empty")?;
    let (stated, payload) = rest.split_first_chunk::<4>().ok_or("the value is cut short")?;
    if *format != wanted {
        return Err("the value has an unknown format");
    }
    if checksum(wanted, key, payload) != u32::from_le_bytes(*stated) {
        return Err("the checksum of the value does not match");
    }
    Ok(value.subslice(HEADER_BYTES, payload.len()))
}

/// What an entry adds to the running sum of the whole index: 64 bits of two checksums.
pub(super) fn weight(key: &[u8], value: &[u8]) -> u64 {
    let high = crc32c::crc32c_append(crc32c::crc32c(key), value);
    let mut low = crc32fast::Hasher::new();
    low.update(key);
    low.update(value);
    u64::from(high) << 32 | u64::from(low.finalize())
}

fn checksum(format: u8, key: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(u32::from(format), key), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_bit_and_any_other_key_is_noticed() {
        let value = seal(b"key", b"payload");
        assert_eq!(open(b"key", &value).unwrap(), b"payload");
        assert!(open(b"kex", &value).is_err());
        for at in 0..value.len() {
            for bit in 0..8 {
                let mut changed = value.to_vec();
                changed[at] ^= 1 << bit;
                assert!(open(b"key", &changed.into()).is_err(), "bit {bit} of byte {at}");
            }
            assert!(open(b"key", &value[..at].into()).is_err(), "cut at {at}");
        }
    }
}
