//! A page: rows with one checksum, for that of a page takes no longer than those of five rows.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4032 | 42 rows |
//! | 4032..4092 | zeros |
//! | 4092..4096 | CRC-32C over the salt of the file, the number of the page, and the rest |

use super::row::{ROW_BYTES, Row};

/// The size of a page.
pub(super) const PAGE_BYTES: usize = 4_096;
/// How many rows it has.
pub(super) const PAGE_ROWS: usize = 42;

/// Its last bytes.
const STATED: usize = PAGE_BYTES - 4;

/// The bytes of a page.
pub(super) type Bytes = [u8; PAGE_BYTES];

/// The rows of a page; none when it does not verify.
pub(super) fn open(bytes: &Bytes, salt: u32, number: u64) -> Option<&[[u8; ROW_BYTES]]> {
    let (body, stated) = bytes.split_last_chunk::<4>()?;
    (u32::from_le_bytes(*stated) == checksum(body, salt, number)).then(|| rows(bytes))
}

/// The rows of a page that verified.
pub(super) fn rows(bytes: &Bytes) -> &[[u8; ROW_BYTES]] {
    let (rows, _) = bytes.as_chunks::<ROW_BYTES>();
    rows.get(..PAGE_ROWS).unwrap_or_default()
}

/// How many tokens it has, from its beginning on.
pub(super) fn tokens(bytes: &Bytes) -> usize {
    rows(bytes).iter().take_while(|bytes| Row::read(bytes).is_some()).count()
}

/// Puts a row into a page.
pub(super) fn put(bytes: &mut Bytes, at: usize, row: &[u8; ROW_BYTES]) {
    let begin = at.saturating_mul(ROW_BYTES);
    if let Some(to) = bytes.get_mut(begin..begin.saturating_add(ROW_BYTES)) {
        to.copy_from_slice(row);
    }
}

/// Has it verify.
pub(super) fn seal(bytes: &mut Bytes, salt: u32, number: u64) {
    let stated = bytes.split_last_chunk::<4>().map(|(body, _)| checksum(body, salt, number));
    bytes[STATED..].copy_from_slice(&stated.unwrap_or_default().to_le_bytes());
}

fn checksum(body: &[u8], salt: u32, number: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt, &number.to_le_bytes()), body)
}
