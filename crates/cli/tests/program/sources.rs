//! `sources [NAME]`

use crate::support::Sandbox;

#[test]
fn sources_are_listed() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources"]), @r"
    exit code: 0
    ----- stdout -----
    source           tables  description
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    amplitude            12  Events, cohorts, annotations, the tracking plan and daily figures of an Amplitude project
    github               12  Repositories, issues, pull requests, commits, teams and people of GitHub.com or GitHub Enterprise Server
    hubspot              10  Contacts, companies, deals, tickets, activities, custom objects and associations of a HubSpot account
    mailchimp             4  Campaigns, campaign reports, audiences and their members of the Mailchimp Marketing API
    microsoft_teams       7  Teams, channels, members and channel messages of a Microsoft 365 organization, by Microsoft Graph
    mixpanel              4  Events, user and group profiles, cohorts and their members of Mixpanel
    shopify               7  Orders, refunds, fulfillments, products, customers, locations and inventory of a Shopify shop
    stripe               24  Customers, subscriptions, invoices, payments, refunds, disputes, payouts and events of a Stripe account
    surveymonkey         22  Surveys with their pages, questions, collectors and responses, contacts and teams of a SurveyMonkey account
    zendesk               8  Tickets and their comments, users, organizations and groups of Zendesk Support, articles and topics of Zendesk Guide
    ");
}

#[test]
fn source_is_shown_with_its_parameters_and_tables() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources", "github"]), @r"
    exit code: 0
    ----- stdout -----
    GitHub
    Repositories, issues, pull requests, commits, teams and people of GitHub.com or GitHub Enterprise Server

    Connection parameters
    name      type                      default                 description
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    base_url  url                       https://api.github.com  Root of the REST API; for GitHub Enterprise Server https://HOST/api/v3
    token     string  required, secret                          Personal access token; a classic one needs the scopes repo (public_repo for public data) and read:org

    Tables
    table          ingestion type  primary keys                             cursor                 description
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    assignees      snapshot        repository_owner, repository_name, id                           Users who can be assigned to issues of a repository
    branches       snapshot        repository_owner, repository_name, name                         Branches of a repository
    collaborators  snapshot        repository_owner, repository_name, id                           Users who can work in a repository, and what they may do there
    comments       cdc             id                                       updated_at             Comments on the issues and pull requests of a repository
    commits        append          sha                                      commit.committer.date  Commits of a repository's default branch, or of another one
    issues         cdc             id                                       updated_at             Issues and pull requests of a repository, as GitHub lists them together
    organizations  snapshot        id                                                              Organizations that the token's user belongs to, as far as the token may see them
    pull_requests  cdc             id                                       updated_at             Pull requests of a repository
    repositories   snapshot        id                                                              Repositories of an organization, or the public ones of a user
    reviews        append          id                                       submitted_at           Submitted reviews of the pull requests of a repository
    teams          snapshot        id                                                              Teams of an organization that the token's user can see
    users          snapshot        organization_login, id                                          Members of an organization; only the public ones where the token's user is not a member
    ----- stderr -----

    connect: `community-connector connection create github NAME -o KEY=VALUE …`
    ");
}

#[test]
fn misspelt_source_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources", "gihtub"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown source `gihtub`
    hint: did you mean `github`? valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`
    ");
}

#[test]
fn source_like_no_other_says_how_a_folder_becomes_known() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources", "help_desk"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown source `help_desk`
    hint: valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`; a folder of your own is made known by `--source FOLDER`, or once by `community-connector source add FOLDER`
    ");
}
