"""Issues as GitHub's REST API lists them, as static pages for any web server: neutral input for every contestant.

Usage: pages.py FOLDER [PAGES]        FOLDER/page-N.json holds 100 issues of about 3.2 KB, oldest change first

The pages depend on nothing but their number, so every machine gets the same bytes: 1,000 pages are 321 MB.
"""

import datetime
import json
import pathlib
import random
import sys

API = "https://api.github.com"
REPOSITORY = f"{API}/repos/acme/widgets"
PER_PAGE = 100
WORDS = (
    "pipeline connector offset schema page token cursor commit retry table record stream batch delta spark when the "
    'reader stops before latest checkpoint é naïve 数据 emoji 🚀 quote " slash \\ tab'
).split(" ")


def user(number: int) -> dict:
    login, url = f"user{number}", f"{API}/users/user{number}"
    return {
        "login": login, "id": 1000 + number, "node_id": f"U_{number:08d}", "gravatar_id": "",
        "avatar_url": f"https://avatars.example/{number}?v=4", "url": url, "html_url": f"https://github.com/{login}",
        "followers_url": f"{url}/followers", "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}", "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions", "organizations_url": f"{url}/orgs", "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}", "received_events_url": f"{url}/received_events", "type": "User",
        "site_admin": False,
    }  # fmt: skip


def label(number: int) -> dict:
    return {
        "id": 70 + number, "node_id": f"L_{number}", "url": f"{REPOSITORY}/labels/l{number}", "name": f"l{number}",
        "color": "d73a4a", "default": False, "description": None,
    }  # fmt: skip


def issue(number: int) -> dict:
    dice = random.Random(number)
    created = datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=97 * number)
    closed = number % 3 == 0
    assignee = user(number % 17) if number % 4 == 0 else None

    def at(seconds: int) -> str:
        return (created + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    return {
        "url": f"{REPOSITORY}/issues/{number}", "repository_url": REPOSITORY,
        "labels_url": f"{REPOSITORY}/issues/{number}/labels{{/name}}",
        "comments_url": f"{REPOSITORY}/issues/{number}/comments", "events_url": f"{REPOSITORY}/issues/{number}/events",
        "html_url": f"https://github.com/acme/widgets/issues/{number}", "id": 5_000_000_000 + number,
        "node_id": f"I_{number:010d}", "number": number, "title": " ".join(dice.choices(WORDS, k=8)),
        "user": user(number % 500), "labels": [label(k) for k in dice.sample(range(12), dice.randint(0, 3))],
        "state": "closed" if closed else "open", "locked": False, "assignee": assignee,
        "assignees": [assignee] if assignee else [], "milestone": None, "comments": dice.randint(0, 40),
        "created_at": at(0), "updated_at": at(50), "closed_at": at(49) if closed else None,
        "author_association": dice.choice(["NONE", "MEMBER", "CONTRIBUTOR"]), "active_lock_reason": None,
        "body": " ".join(dice.choices(WORDS, k=dice.randint(20, 160))), "closed_by": None,
        "performed_via_github_app": None, "state_reason": "completed" if closed else None,
        "reactions": {
            "url": f"{REPOSITORY}/issues/{number}/reactions", "total_count": dice.randint(0, 9),
            "+1": dice.randint(0, 5), "-1": 0, "laugh": 0, "hooray": 0, "confused": 0, "heart": 0, "rocket": 0,
            "eyes": dice.randint(0, 3),
        },
        "timeline_url": f"{REPOSITORY}/issues/{number}/timeline",
    }  # fmt: skip


def main() -> None:
    folder, pages = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for page in range(1, pages + 1):
        issues = [issue((page - 1) * PER_PAGE + position + 1) for position in range(PER_PAGE)]
        text = json.dumps(issues, separators=(",", ":"), ensure_ascii=False).encode()
        size += len(text)
        (folder / f"page-{page}.json").write_bytes(text)
    print(f"{pages} pages, {pages * PER_PAGE} issues, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
