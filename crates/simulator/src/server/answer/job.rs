//! Reports that are made in the background: started, asked for, fetched.

use super::given::GivenParts;
use super::{Answer, Asked, Matched};
use crate::api::{Endpoint, Names, Placeholder, Problem, Target, fill, read};
use crate::server::Shared;
use crate::server::session::Job;

impl Shared {
    /// Starts a report; its parameters are checked now and count when its rows are fetched.
    pub(super) fn start_job(
        &self,
        asked: &Asked<'_>,
        matched: &Matched<'_>,
        (pending, given): (u64, &GivenParts),
    ) -> Result<Answer, Answer> {
        let state = self.state();
        read(&self.world, &state, matched.endpoint, matched.values, given.as_given())
            .map_err(|problem| self.refused(asked, &problem))?;
        let job = self.sessions.start(Job { pending, parameters: given.parameters.clone() });
        self.told(asked, matched, (&job, matched.endpoint.response.status))
    }

    /// Tells how far a report is.
    pub(super) fn poll_job(&self, asked: &Asked<'_>, matched: &Matched<'_>) -> Result<Answer, Answer> {
        let Target::Poll { pending, pending_status, .. } = &matched.endpoint.target else {
            return Err(self.refused(asked, &Problem::not_found()));
        };
        let name = job_name(matched.endpoint, matched.values).unwrap_or_default();
        match self.sessions.poll(name) {
            None => Err(self.refused(asked, &Problem::not_found())),
            Some(true) => self.told(asked, matched, (name, matched.endpoint.response.status)),
            Some(false) => Ok(Answer::json(*pending_status, &fill(pending, &self.job_names(asked, matched, name)))),
        }
    }

    /// The parameters of the report whose rows a path asks for; an error where it is not ready.
    pub(super) fn parameters_of_job(
        &self,
        asked: &Asked<'_>,
        matched: &Matched<'_>,
    ) -> Result<Vec<(String, String)>, Answer> {
        match job_name(matched.endpoint, matched.values) {
            None => Ok(Vec::new()),
            Some(name) => match self.sessions.ready(name) {
                Some(job) => Ok(job.parameters),
                None => Err(self.refused(asked, &Problem::not_found())),
            },
        }
    }

    fn told(&self, asked: &Asked<'_>, matched: &Matched<'_>, (job, status): (&str, u16)) -> Result<Answer, Answer> {
        let body = match &matched.endpoint.target {
            Target::Poll { body, .. } => Some(body),
            _ => matched.endpoint.body.as_ref(),
        };
        match body {
            Some(body) => Ok(Answer::json(status, &fill(body, &self.job_names(asked, matched, job)))),
            None => Err(self.refused(asked, &Problem::not_found())),
        }
    }

    fn job_names<'a>(&'a self, asked: &Asked<'a>, matched: &Matched<'a>, job: &'a str) -> Names<'a> {
        let mut names = self.names(matched);
        names.insert(0, ("job", job.into()));
        names.push(("base", asked.base.into()));
        names
    }
}

fn job_name<'v>(endpoint: &Endpoint, values: &'v [String]) -> Option<&'v str> {
    let mut placeholders = endpoint.placeholders.iter().zip(values);
    placeholders.find(|((_, meaning), _)| matches!(meaning, Placeholder::Job)).map(|(_, value)| value.as_str())
}
