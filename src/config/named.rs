//! Files of TLS that the configuration names, and where it names them.

use std::ops::Range;
use std::path::PathBuf;

use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text};
use crate::tls::{Fault, What};

/// Files with their places.
#[derive(Debug, Default)]
pub(super) struct Named(Vec<(PathBuf, Placed<Text>)>);

impl Named {
    /// A file, whose place is noted.
    pub(super) fn path(&mut self, text: &Placed<Text>, reading: &Reading<'_>) -> PathBuf {
        let path = reading.notes(reading.beside_file(&text.value.value));
        self.0.push((path.clone(), text.clone()));
        path
    }

    /// Says of all files that cannot be used where they were named; of none of them at `otherwise`.
    pub(super) fn wrong(
        &self,
        faults: &[Fault],
        otherwise: &Range<usize>,
        reading: &Reading<'_>,
    ) -> Reported {
        // One file may be named for several things.
        let is_new =
            |(index, fault): &(usize, &Fault)| !faults.iter().take(*index).any(|one| one == *fault);
        let told = faults.iter().enumerate().filter(is_new);
        let told = told.map(|(_, fault)| self.one_wrong(fault, otherwise, reading)).last();
        told.unwrap_or_else(|| {
            // Whoever says that files are wrong names some.
            let what = What::Library("no file is wrong".to_owned());
            self.one_wrong(&Fault { path: PathBuf::new(), what }, otherwise, reading)
        })
    }

    fn one_wrong(
        &self,
        fault: &Fault,
        otherwise: &Range<usize>,
        reading: &Reading<'_>,
    ) -> Reported {
        // One file may be named for both.
        let of_key = matches!(fault.what, What::NoKey | What::BadKey(_) | What::OtherKey);
        let here = |(path, _): &&(PathBuf, Placed<Text>)| *path == fault.path;
        let alike = |named: &&(PathBuf, Placed<Text>)| {
            here(named) && named.1.key.ends_with("key") == of_key
        };
        let text = self.0.iter().find(alike).or_else(|| self.0.iter().find(here));
        let text = text.map(|(_, text)| text);
        let file = match text {
            Some(text) => text.value.shown.clone(),
            None if fault.path.as_os_str().is_empty() => "upstream_ca".to_owned(),
            None => fault.path.display().to_string(),
        };
        let mistake = Mistake::TlsFile { file, what: fault.what.clone() };
        let span = text.map_or(otherwise, |text| &text.span);
        reading.mistake(span, mistake, fault.what.hint())
    }
}
