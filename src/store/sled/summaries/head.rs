//! The head of the file of rows: which file it is, and of which checkpoint.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | CRC-32C over bytes 4..36 |
//! | 4..12 | `tgrows` and the format |
//! | 12..20 | the generation of the last checkpoint; 0 for none |
//! | 20..24 | the salt |
//! | 24..32 | bytes of texts that rows refer to |
//! | 32..36 | zeros |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::fdatasync;

/// Where the rows begin: they do not share a page with the head.
pub(super) const HEAD_BYTES: u64 = 4_096;

/// The name, and the number of the format of both files.
const NAME: [u8; 8] = *b"tgrows\0\x03";
const BYTES: usize = 36;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) generation: u64,
    pub(super) salt: u32,
    pub(super) live: u64,
}

impl Head {
    /// The head of a file; none where there is none that verifies.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; BYTES];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts it on disk.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let mut bytes = [0; BYTES];
        let parts: [&[u8]; 4] = [
            &NAME,
            &self.generation.to_le_bytes(),
            &self.salt.to_le_bytes(),
            &self.live.to_le_bytes(),
        ];
        let parts = parts.concat();
        if let Some(to) = bytes.get_mut(4..4 + parts.len()) {
            to.copy_from_slice(&parts);
        }
        let stated = crc32c::crc32c(&bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&stated);
        file.write_all_at(&bytes, 0)?;
        Ok(fdatasync(file)?)
    }
}

fn decode(bytes: &[u8; BYTES]) -> Option<Head> {
    let (stated, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<8>()?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (salt, rest) = rest.split_first_chunk()?;
    let live = rest.first_chunk()?;
    let whole = u32::from_le_bytes(*stated) == crc32c::crc32c(&bytes[4..]) && *name == NAME;
    whole.then(|| Head {
        generation: u64::from_le_bytes(*generation),
        salt: u32::from_le_bytes(*salt),
        live: u64::from_le_bytes(*live),
    })
}
