"""What the queries of `promo` answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest

from drystone.errors import ForeignKeyViolation, UniqueViolation
from drystone.systems.promo import (
    accounts,
    analytics,
    assets,
    content,
    organizations,
    posts,
    strategies,
    summaries,
    users,
)
from drystone.systems.promo.pages import Page, offset
from drystone.systems.promo.publishing import Published, succeed
from drystone.systems.promo.types import (
    ApprovalMode,
    AssetType,
    ContentStatus,
    ContentType,
    MetricType,
    Platform,
    PostStatus,
    SeriesStatus,
    UserRole,
)
from tests.systems.promo_factories import (
    ADMIN,
    DOCUMENT,
    LINKEDIN,
    OLD_POST,
    ORGANIZATION,
    PILLAR,
    PUBLISHED_PIECE,
    SCHEDULED_PIECE,
    STRATEGY,
    TWITTER,
    USER,
    add_account,
    add_content,
    add_organization,
    add_post,
    add_user,
    ago,
    take,
)
from tests.systems.rows import found, value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

MONDAY = date(2026, 3, 2)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def axis(number: int, *, tilt: float = 0.0) -> list[float]:
    """A unit vector, tilted to the next one."""
    vector = [0.0] * 384
    vector[number], vector[number + 1] = 1.0, tilt
    return vector


# --- Users ----------------------------------------------------------------------


def test_a_user_is_created_read_changed_and_found(connection: Connection) -> None:
    """003-01"""
    row = found(users.create_user(connection, email=" Ada@Example.org ", name="Ada"))
    assert (row.email, row.plan, row.role) == ("Ada@Example.org", "free", "USER")
    login = found(users.find_login(connection, email="ADA@example.org"))
    assert (login.id, login.password_hash) == (row.id, None)
    after = found(
        users.update_user(
            connection, user_id=row.id, role=UserRole.MODERATOR, verified=True
        )
    )
    assert (after.name, after.role, after.verified) == ("Ada", "MODERATOR", True)
    assert users.update_user(connection, user_id=uuid4(), name="X") is None
    assert users.find_login(connection, email="nobody@example.org") is None


def test_a_page_tells_how_many_there_are_in_all(connection: Connection) -> None:
    """003-12"""
    for number in range(7):
        add_user(connection, plan="pro" if number < 5 else "free")

    def page(number: int) -> Page[users.ListUsersRow]:
        rows = users.list_users(
            connection, plan="pro", limit_rows=2, offset_rows=offset(number, 2)
        )
        return Page(rows, number, 2, found(users.count_users(connection, plan="pro")))

    first, last, beyond = page(1), page(3), page(4)
    assert (first.total, first.total_pages) == (5, 3)
    assert (first.has_next, first.has_previous) == (True, False)
    assert (last.has_next, last.has_previous, len(last.rows)) == (False, True, 1)
    assert (beyond.rows, beyond.has_previous) == ([], True)
    assert len({row.id for n in (1, 2, 3) for row in page(n).rows}) == 5
    assert Page([], 1, 20, 0).total_pages == 0
    oldest = users.list_users(connection, order="oldest")
    newest = users.list_users(connection, order="newest")
    assert [row.id for row in oldest] == [row.id for row in newest][::-1]


# --- Organisations --------------------------------------------------------------


def test_an_organisation_is_read_with_everything_about_it(
    seeded: Connection,
) -> None:
    """003-01, 003-09"""
    row = found(
        organizations.get_organization_full(seeded, organization_id=ORGANIZATION)
    )
    assert [pillar.name for pillar in row.pillars] == [
        "Education",
        "Product Updates",
        "Founder Story",
        "Customer Success",
    ]
    (founder,) = row.founders
    assert founder.is_primary
    assert found(row.brand_rules).approval_mode == "CONDITIONAL"
    assert found(row.active_strategy).confidence == 0.85
    bare = add_organization(seeded)
    row = found(organizations.get_organization_full(seeded, organization_id=bare))
    assert (row.brand_rules, row.active_strategy) == (None, None)
    assert (row.founders, row.pillars) == ([], [])
    organizations.soft_delete_organization(seeded, organization_id=bare)
    assert organizations.get_organization_full(seeded, organization_id=bare) is None


def test_organisations_are_listed_and_changed(connection: Connection) -> None:
    """003-01, 003-12"""
    owner = add_user(connection)
    first = add_organization(
        connection, user_id=owner, name="Beta", markets=["DE", "FR"]
    )
    second = add_organization(
        connection, user_id=owner, name="Alpha", category="retail"
    )
    add_organization(connection)
    listed = organizations.list_organizations(connection, user_id=owner, order="name")
    assert [row.id for row in listed] == [second, first]
    assert [
        row.id for row in organizations.list_organizations(connection, market="FR")
    ] == [first]
    assert organizations.count_organizations(connection, category="retail") == 1
    changed = found(
        organizations.update_organization(
            connection, organization_id=first, name=" Gamma ", languages=["de"]
        )
    )
    assert (changed.name, changed.markets, changed.languages) == (
        "Gamma",
        ["DE", "FR"],
        ["de"],
    )
    kept = found(organizations.get_organization(connection, organization_id=first))
    assert kept.name == "Gamma"


def test_an_organisation_is_found_by_a_misspelt_name(connection: Connection) -> None:
    """003-03, 003-12"""
    wanted = add_organization(connection, name="Tidepool Analytics")
    add_organization(connection, name="Mountain Bikes")
    (row,) = organizations.search_organizations(connection, q="tidepol analitics")
    assert row.id == wanted
    assert 0.4 < found(row.similarity) < 1


def test_like_organisations_and_like_content_are_near_in_meaning(
    connection: Connection,
) -> None:
    """003-03, 003-10"""
    own, like, unlike = (add_organization(connection) for _ in range(3))
    for organization, vector in (
        (own, axis(0)),
        (like, axis(0, tilt=0.5)),
        (unlike, axis(7)),
    ):
        organizations.update_organization(
            connection, organization_id=organization, embedding=vector
        )
    rows = organizations.similar_organizations(connection, organization_id=own)
    assert [row.id for row in rows] == [like, unlike]
    assert found(rows[0].similarity) == pytest.approx(0.894, abs=0.001)

    pieces = [add_content(connection, own, approved=False) for _ in range(3)]
    foreign = add_content(connection, like, approved=False)
    vectors = (axis(0), axis(0, tilt=1), axis(9), axis(0))
    for piece, vector in zip([*pieces, foreign], vectors, strict=True):
        content.update_content(connection, content_id=piece, embedding=vector)
    near = content.similar_content(connection, content_id=pieces[0])
    # Another organisation's is none of its business, however like it is.
    assert [row.id for row in near] == pieces[1:]
    assert content.similar_content(connection, content_id=uuid4()) == []


def test_one_founder_is_the_primary_one(connection: Connection) -> None:
    """003-01, 003-07"""
    own, other = add_organization(connection), add_organization(connection)
    ids = [
        found(organizations.add_founder(connection, organization_id=own, name=name)).id
        for name in ("Ada", "Bea")
    ]
    for founder in (*ids, ids[0], ids[0]):
        done = organizations.set_primary_founder(
            connection, organization_id=own, founder_id=founder
        )
        assert done == 1
    listed = organizations.list_founders(connection, organization_id=own)
    assert [(row.name, row.is_primary) for row in listed] == [
        ("Ada", True),
        ("Bea", False),
    ]
    for organization, founder in ((other, ids[1]), (own, uuid4())):
        done = organizations.set_primary_founder(
            connection, organization_id=organization, founder_id=founder
        )
        assert done == 0
    assert organizations.list_founders(connection, organization_id=own) == listed
    changed = found(
        organizations.update_founder(
            connection, founder_id=ids[0], social_links={"TWITTER": "ada"}
        )
    )
    assert changed.social_links == {"TWITTER": "ada"}
    assert organizations.remove_founder(connection, founder_id=ids[0]) == 1


# --- Brand rules ----------------------------------------------------------------


def set_rules(connection: Connection, organization: UUID, **given: Any) -> None:
    organizations.set_brand_rules(connection, organization_id=organization, **given)


def violations(
    connection: Connection, organization: UUID, body: str, *hashtags: str
) -> set[tuple[str | None, str | None]]:
    rows = organizations.brand_check(
        connection, organization_id=organization, body=body, hashtags=list(hashtags)
    )
    return {(row.rule, row.found) for row in rows}


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        ("It is FREE!", {("forbidden phrase", "free")}),
        ("A free-for-all", {("forbidden phrase", "free")}),
        ("Freedom for shops", set()),
        ("Start your free trial.", set()),
        ("A free trial, and free bread", {("forbidden phrase", "free")}),
        ("Results are   guaranteed", {("claim to avoid", "Guaranteed")}),
        ("A game\nchanger", {("forbidden phrase", "game changer")}),
        ("100% safe", {("claim to avoid", "100%")}),
        ("100 shops", set()),
        ("To the moon 🚀🚀", {("forbidden phrase", "🚀")}),
        ("", set()),
        ("%_\\ ' ; --", set()),
    ],
)
def test_phrases_are_found_as_whole_words(
    connection: Connection, body: str, broken: set[tuple[str, str]]
) -> None:
    """003-01, 003-11"""
    own = add_organization(connection)
    set_rules(
        connection,
        own,
        allowed_phrases=["free trial", "", "🎈"],
        forbidden_phrases=["free", "game changer", "🚀", " "],
        claims_to_avoid=["Guaranteed", "100%"],
    )
    assert violations(connection, own, body) == broken


def test_hashtags_are_forbidden_or_all_but_some_are(connection: Connection) -> None:
    """003-01, 003-11"""
    own, free = add_organization(connection), add_organization(connection)
    set_rules(connection, own, forbidden_hashtags=["#Hustle"])
    assert violations(connection, own, "x", "hustle", "retail") == {
        ("forbidden hashtag", "hustle")
    }
    set_rules(connection, own, allowed_hashtags=["#Retail"])
    assert violations(connection, own, "x", "retail", "shop") == {
        ("hashtag that is not allowed", "shop")
    }
    assert violations(connection, free, "x", "hustle") == set()
    rules = found(organizations.get_brand_rules(connection, organization_id=own))
    assert (rules.forbidden_hashtags, rules.approval_mode) == ([], "MANUAL")


def test_what_breaks_no_rule_and_fulfils_the_conditions_is_approved_by_itself(
    connection: Connection,
) -> None:
    """003-01, 003-10, 003-11"""
    own = add_organization(connection)

    def pending(**given: Any) -> UUID:
        piece = add_content(connection, own, approved=False, **given)
        content.submit_content(connection, content_ids=[piece])
        return piece

    good = pending(confidence=0.9)
    unsure, unknown = pending(confidence=0.7), pending()
    elsewhere = pending(confidence=0.9, platform="REDDIT")
    poll = pending(confidence=0.9, type="POLL")
    broken = pending(confidence=0.9, title="Free bread")
    draft = add_content(connection, own, approved=False, confidence=1)

    def approved() -> set[UUID]:
        rows = content.auto_approve_content(connection, organization_id=own)
        return set(rows)

    assert approved() == set()  # no rules
    rules: dict[str, Any] = {"forbidden_phrases": ["free"]}
    set_rules(connection, own, **rules)
    assert approved() == set()  # by hand
    conditions = {
        "min_confidence": 0.8,
        "platforms": ["TWITTER"],
        "types": ["POST", "THREAD"],
    }
    set_rules(
        connection,
        own,
        approval_mode=ApprovalMode.CONDITIONAL,
        auto_approval_rules=conditions,
        **rules,
    )
    assert approved() == {good}
    set_rules(connection, own, approval_mode=ApprovalMode.AUTO, **rules)
    assert approved() == {unsure, unknown, elsewhere, poll}
    by_hand = content.approve_content(connection, content_ids=[broken, draft, good])
    assert set(by_hand) == {broken, draft}


# --- Strategies -----------------------------------------------------------------


def propose(connection: Connection, organization: UUID, **changes: Any) -> UUID:
    return found(
        strategies.propose_strategy(
            connection,
            organization_id=organization,
            document={**DOCUMENT, **changes},
            generated_by="model-1",
            confidence=0.9,
        )
    ).id


def test_accepting_a_strategy_archives_the_one_before(connection: Connection) -> None:
    """003-01, 003-10"""
    own = add_organization(connection)
    first = propose(connection, own)
    accepted = found(strategies.accept_strategy(connection, strategy_id=first))
    assert (accepted.version, accepted.status) == (1, "ACTIVE")
    second, third = propose(connection, own), propose(connection, own)
    row = found(strategies.get_strategy(connection, strategy_id=second))
    assert (row.previous_id, row.generated_by, row.confidence) == (
        first,
        "model-1",
        0.9,
    )
    strategies.accept_strategy(connection, strategy_id=second)
    assert strategies.reject_strategy(connection, strategy_id=third) == 1
    assert strategies.reject_strategy(connection, strategy_id=second) == 0
    for gone in (second, third):
        assert strategies.accept_strategy(connection, strategy_id=gone) is None
    listed = strategies.list_strategies(connection, organization_id=own)
    assert [(row.version, row.status) for row in listed] == [
        (3, "REJECTED"),
        (2, "ACTIVE"),
        (1, "ARCHIVED"),
    ]
    # An archived one can come back.
    assert strategies.accept_strategy(connection, strategy_id=first) is not None


def test_many_who_propose_and_accept_at_once_leave_one_active(
    own: Connection, database_url: str
) -> None:
    """003-01"""
    organization = add_organization(own)

    def run(session: Connection) -> None:
        strategies.accept_strategy(session, strategy_id=propose(session, organization))

    at_once(database_url, [run] * 6)
    listed = strategies.list_strategies(own, organization_id=organization)
    assert [row.version for row in listed] == [6, 5, 4, 3, 2, 1]
    assert sorted(row.status for row in listed) == ["ACTIVE", *["ARCHIVED"] * 5]


def test_a_diff_names_the_keys_that_differ(connection: Connection) -> None:
    """003-05, 003-10"""
    own, other = add_organization(connection), add_organization(connection)
    first = propose(connection, own, cadence={"TWITTER": 3, "REDDIT": 1})
    second = propose(
        connection,
        own,
        cadence={"TWITTER": 5, "LINKEDIN": 1},
        audience_segments=["shops"],
    )
    rows = strategies.strategy_diff(connection, from_id=first, to_id=second)
    assert [(row.document, row.key, row.old_value, row.new_value) for row in rows] == [
        ("audience_segments", "", [], ["shops"]),
        ("cadence", "LINKEDIN", None, 1),
        ("cadence", "REDDIT", 1, None),
        ("cadence", "TWITTER", 3, 5),
    ]
    assert strategies.strategy_diff(connection, from_id=first, to_id=first) == []
    # What another organisation plans is not shown.
    foreign = propose(connection, other, cadence={"SECRET": 1})
    told = strategies.strategy_diff(connection, from_id=first, to_id=foreign)
    assert "SECRET" not in str(told)


# --- Content --------------------------------------------------------------------


def test_content_is_listed_from_page_to_page(connection: Connection) -> None:
    """003-12"""
    own = add_organization(connection)
    made = [
        add_content(connection, own, approved=n % 2 == 0, hashtags=[f"tag{n % 3}"])
        for n in range(7)
    ]
    add_content(connection, add_organization(connection))
    seen: list[UUID] = []
    at, last = None, None
    while rows := content.list_content(
        connection,
        organization_id=own,
        before_created_at=at,
        before_id=last,
        limit_rows=3,
    ):
        seen += [row.id for row in rows]
        at, last = rows[-1].created_at, rows[-1].id
    assert (len(seen), set(seen)) == (7, set(made))
    assert content.count_content(connection, organization_id=own) == 7
    drafts = content.list_content(
        connection, organization_id=own, status=ContentStatus.DRAFT, hashtag="tag1"
    )
    assert {row.id for row in drafts} == {made[1]}
    assert (
        content.count_content(
            connection, organization_id=own, status=ContentStatus.DRAFT, hashtag="tag1"
        )
        == 1
    )


def test_content_is_found_by_its_words_with_and_without_a_title(
    connection: Connection,
) -> None:
    """003-03, 003-12"""
    own = add_organization(connection)
    plain = add_content(connection, own, body="The baker sells forecasts")
    titled = add_content(connection, own, title="Forecasting bakeries", body="Read on.")
    add_content(connection, own, body="Nothing of the sort")
    rows = content.search_content(connection, organization_id=own, q="bakers OR bakery")
    assert {row.id for row in rows} == {plain, titled}
    assert "<mark>baker</mark>" in str(rows)
    listed = content.list_content(connection, organization_id=own, q='"sells forecast"')
    assert [row.id for row in listed] == [plain]
    assert content.count_content(connection, organization_id=own, q="forecast") == 2
    other = add_organization(connection)
    assert content.search_content(connection, organization_id=other, q="baker") == []


def test_drafts_are_written_together_and_duplicates_are_passed_by(
    connection: Connection,
) -> None:
    """003-01, 003-12"""
    own = add_organization(connection)
    series = found(
        content.create_series(
            connection,
            organization_id=own,
            name="S",
            platform=Platform.TWITTER,
            cadence="weekly",
            total_posts=4,
        )
    ).id
    piece = {"series_id": str(series), "platform": "TWITTER", "body": "x"}
    rows = content.bulk_create_content(
        connection,
        organization_id=own,
        pieces=[
            {**piece, "sequence_no": 1, "media_refs": [{"kind": "chart"}]},
            {**piece, "sequence_no": 2, "hashtags": ["a", "b"], "media_refs": None},
            {**piece, "sequence_no": 1},
        ],
    )
    assert [row.sequence_no for row in rows] == [1, 2]
    again = content.bulk_create_content(
        connection, organization_id=own, pieces=[{**piece, "sequence_no": 2}]
    )
    assert again == []
    stored = found(content.get_content(connection, content_id=rows[0].id))
    assert (stored.status, stored.media_refs) == ("DRAFT", [{"kind": "chart"}])
    with pytest.raises(ForeignKeyViolation), connection.transaction():
        content.bulk_create_content(
            connection,
            organization_id=own,
            pieces=[{**piece, "series_id": None, "pillar_id": str(uuid4())}],
        )


def test_what_was_approved_and_is_changed_is_a_draft_again(
    connection: Connection,
) -> None:
    """003-08, 003-11"""
    own = add_organization(connection)
    piece = add_content(connection, own)
    changed = found(content.update_content(connection, content_id=piece, body="New"))
    assert (changed.status, changed.body) == ("DRAFT", "New")
    assert content.submit_content(connection, content_ids=[piece]) == [piece]
    assert content.return_content(connection, content_id=piece) == 1
    assert content.approve_content(connection, content_ids=[piece]) == [piece]
    post = add_post(connection, organization_id=own, content_id=piece)
    assert content.update_content(connection, content_id=piece, body="Newer") is None
    assert content.archive_content(connection, content_id=piece) == 0
    posts.cancel_post(connection, post_id=post)
    assert content.archive_content(connection, content_id=piece) == 1
    assert content.return_content(connection, content_id=piece) == 1
    assert content.soft_delete_content(connection, content_id=piece) == 1
    assert content.get_content(connection, content_id=piece) is None
    assert content.restore_content(connection, content_id=piece) == 1


def test_a_piece_is_read_with_its_files_and_posts(seeded: Connection) -> None:
    """003-01, 003-09"""
    piece = found(content.get_content(seeded, content_id=SCHEDULED_PIECE))
    assert [asset.type for asset in piece.assets] == ["IMAGE"]
    assert [post.status for post in piece.posts] == ["SCHEDULED"]
    assert piece.media_refs == [{"kind": "chart", "alt": "Sales by weekday"}]


def test_pillars_and_series_come_and_go_and_content_stays(
    seeded: Connection,
) -> None:
    """003-01"""
    listed = content.list_pillars(seeded, organization_id=ORGANIZATION)
    assert [row.pieces for row in listed] == [1, 0, 1, 0]
    with pytest.raises(UniqueViolation), seeded.transaction():
        content.create_pillar(seeded, organization_id=ORGANIZATION, name="Education")
    changed = found(content.update_pillar(seeded, pillar_id=PILLAR, is_active=False))
    assert (changed.name, changed.is_active) == ("Education", False)
    assert len(content.list_pillars(seeded, organization_id=ORGANIZATION)) == 3
    assert content.delete_pillar(seeded, pillar_id=PILLAR) == 1
    (series,) = content.list_series(
        seeded, organization_id=ORGANIZATION, status=SeriesStatus.ACTIVE
    )
    assert series.pillar_id is None
    paused = content.update_series(
        seeded, series_id=series.id, status=SeriesStatus.PAUSED
    )
    assert found(paused).status == "PAUSED"
    assert content.delete_series(seeded, series_id=series.id) == 1
    piece = found(content.get_content(seeded, content_id=SCHEDULED_PIECE))
    assert (piece.series_id, piece.sequence_no) == (None, 1)


# --- Files and accounts ---------------------------------------------------------


def add_asset(connection: Connection, organization: UUID, key: str) -> UUID:
    return found(
        assets.create_asset(
            connection,
            organization_id=organization,
            uploaded_by=None,
            filename="x.png",
            original_name="X.png",
            type=AssetType.IMAGE,
            mime_type="image/png",
            size_bytes=7,
            s3_bucket="b",
            s3_key=key,
            url="https://assets.example.org/x.png",
            tags=["chart"],
        )
    ).id


def test_a_file_in_use_cannot_be_deleted(connection: Connection) -> None:
    """003-01, 003-02"""
    own, other = add_organization(connection), add_organization(connection)
    asset, foreign = add_asset(connection, own, "a"), add_asset(connection, other, "b")
    piece = add_content(connection, own)
    assert assets.attach_asset(connection, content_id=piece, asset_id=asset) == 1
    assert (
        assets.attach_asset(connection, content_id=piece, asset_id=asset, position=2)
        == 1
    )
    assert assets.attach_asset(connection, content_id=piece, asset_id=foreign) == 0
    (row,) = assets.list_assets(connection, organization_id=own, tag="chart")
    assert row.last_used_at is not None
    assert assets.soft_delete_asset(connection, asset_id=asset) == 0
    assert assets.detach_asset(connection, content_id=piece, asset_id=asset) == 1
    assert assets.soft_delete_asset(connection, asset_id=asset) == 1
    assert assets.list_assets(connection, organization_id=own) == []
    assert assets.restore_asset(connection, asset_id=asset) == 1
    changed = found(assets.update_asset(connection, asset_id=asset, tags=["new"]))
    assert changed.tags == ["new"]
    assert (
        assets.list_assets(connection, organization_id=own, type=AssetType.LOGO) == []
    )


def test_accounts_are_listed_without_tokens(seeded: Connection) -> None:
    """003-01, 003-11"""
    rows = accounts.list_accounts(seeded, organization_id=ORGANIZATION)
    assert [row.platform for row in rows] == ["TWITTER", "LINKEDIN"]
    assert "token" not in " ".join(accounts.ListAccountsRow.__struct_fields__)
    (row,) = accounts.list_accounts(
        seeded, organization_id=ORGANIZATION, platform=Platform.LINKEDIN
    )
    assert row.id == LINKEDIN
    done = accounts.record_sync(seeded, account_id=TWITTER, followers_count=900)
    assert done == 1
    kept = found(accounts.get_account(seeded, account_id=TWITTER))
    assert (kept.followers_count, kept.last_sync_at is None) == (900, False)
    assert accounts.soft_delete_account(seeded, account_id=TWITTER) == 1
    assert accounts.restore_account(seeded, account_id=TWITTER) == 1
    done = accounts.store_tokens(
        seeded,
        account_id=TWITTER,
        access_token_encrypted=b"x" * 28,
        refresh_token_encrypted=None,
        token_key_id="k",
        expires_at=None,
    )
    assert done == 1


def test_a_calendar_shows_the_posts_of_a_period(seeded: Connection) -> None:
    """003-01, 003-12"""

    def listed(**given: Any) -> list[UUID]:
        rows = posts.list_posts(
            seeded,
            organization_id=ORGANIZATION,
            scheduled_from=ago(days=40),
            scheduled_before=ago(days=-40),
            **given,
        )
        return [row.id for row in rows]

    both = listed()
    assert len(both) == 2
    assert listed(status=PostStatus.PUBLISHED) == [OLD_POST] == listed(limit_rows=1)
    first = found(posts.get_post(seeded, post_id=OLD_POST))
    assert listed(after_scheduled_at=first.scheduled_at, after_id=first.id) == both[1:]
    assert listed(social_account_id=TWITTER) == both[1:]


# --- Figures --------------------------------------------------------------------


def published(connection: Connection, organization: UUID, at: datetime) -> UUID:
    """A post that went out at a time."""
    post = add_post(connection, organization_id=organization)
    succeed(connection, take(connection), Published("p"))
    connection.execute(
        "UPDATE promo.scheduled_posts SET published_at = %s WHERE id = %s", [at, post]
    )
    return post


def store(connection: Connection, organization: UUID, *rows: dict[str, Any]) -> int:
    given = [
        {
            "platform": "TWITTER",
            "metric_type": "ENGAGEMENT",
            "period_start": BEGIN.isoformat(),
            "period_end": (BEGIN + DAY).isoformat(),
            **row,
        }
        for row in rows
    ]
    return analytics.upsert_analytics(
        connection, organization_id=organization, figures=given
    )


def test_figures_are_stored_once(connection: Connection) -> None:
    """003-01, 003-10"""
    own = add_organization(connection)
    for likes in (1, 2):
        assert store(connection, own, {"likes": likes}, {"metric_type": "REACH"}) == 2
    rows = connection.execute("SELECT sum(likes), count(*) FROM promo.analytics")
    assert rows.fetchone() == (2, 2)
    foreign = add_account(connection, add_organization(connection))
    with pytest.raises(ForeignKeyViolation) as caught, connection.transaction():
        store(connection, own, {"social_account_id": str(foreign)})
    assert caught.value.constraint == "analytics_organization_id_social_account_id_fkey"


def test_a_dashboard_sums_and_rates_what_a_period_had(connection: Connection) -> None:
    """003-01, 003-10"""
    own, other = add_organization(connection), add_organization(connection)
    figures = {"impressions": 100, "likes": 4, "saves": 1, "clicks": 2}
    store(
        connection,
        own,
        {**figures, "followers_delta": 3},
        {"platform": "REDDIT", "metric_type": "REACH", "impressions": 900, "shares": 5},
        {"metric_type": "GROWTH", "followers_delta": -1, "signups": 2},
        {
            **figures,
            "period_start": (BEGIN + DAY).isoformat(),
            "period_end": (BEGIN + 2 * DAY).isoformat(),
        },
    )
    store(connection, other, {**figures, "likes": 50})
    ask: dict[str, Any] = {
        "organization_id": own,
        "period_from": BEGIN,
        "period_before": BEGIN + DAY,
    }
    row = found(analytics.dashboard(connection, **ask))
    assert (row.impressions, row.engagements, row.clicks) == (1000, 10, 2)
    assert (row.engagement_rate, row.ctr) == (0.01, 0.002)
    assert (row.follower_growth, row.signups) == (2, 2)
    assert row.top_platform == "TWITTER"  # of as many engagements, the first one
    one = found(analytics.dashboard(connection, **ask, platform=Platform.TWITTER))
    assert (one.engagements, one.top_platform) == (5, "TWITTER")
    empty = found(
        analytics.dashboard(
            connection,
            organization_id=own,
            period_from=BEGIN - DAY,
            period_before=BEGIN,
        )
    )
    assert (empty.impressions, empty.engagement_rate, empty.top_platform) == (
        0,
        None,
        None,
    )


def test_a_series_has_every_day_of_a_time_zone(connection: Connection) -> None:
    """003-01"""
    own = add_organization(connection)
    late = BEGIN + timedelta(hours=23, minutes=30)  # the next day already in Berlin
    store(
        connection,
        own,
        {"likes": 1, "impressions": 10},
        {
            "likes": 2,
            "period_start": late.isoformat(),
            "period_end": (late + DAY).isoformat(),
        },
    )

    def days(zone: str) -> list[int]:
        rows = analytics.dashboard_series(
            connection,
            organization_id=own,
            bucket="day",
            time_zone=zone,
            period_from=BEGIN,
            period_to=BEGIN + 3 * DAY,
        )
        return [row.engagements for row in rows]

    assert days("UTC") == [3, 0, 0, 0]
    assert days("Europe/Berlin") == [1, 2, 0, 0]
    # A day of 23 hours, when clocks go forward on 29 March, is one day.
    rows = analytics.dashboard_series(
        connection,
        organization_id=own,
        bucket="day",
        time_zone="Europe/Berlin",
        period_from=datetime(2026, 3, 28, 12, tzinfo=UTC),
        period_to=datetime(2026, 3, 30, 12, tzinfo=UTC),
        platform=Platform.TWITTER,
    )
    starts = [found(row.bucket_start).astimezone(UTC).hour for row in rows]
    assert starts == [23, 23, 22]
    months = analytics.dashboard_series(
        connection,
        organization_id=own,
        bucket="month",
        time_zone="UTC",
        period_from=BEGIN,
        period_to=BEGIN + 40 * DAY,
    )
    assert [row.engagements for row in months] == [3, 0]


def test_content_pillars_types_and_channels_are_compared(
    connection: Connection,
) -> None:
    """003-01, 003-10"""
    own = add_organization(connection)
    pillar = found(content.create_pillar(connection, organization_id=own, name="P")).id
    good = add_content(connection, own, pillar_id=str(pillar), type="THREAD")
    poor = add_content(connection, own)
    store(
        connection,
        own,
        {"content_piece_id": str(good), "impressions": 100, "likes": 10},
        {
            "content_piece_id": str(poor),
            "impressions": 100,
            "likes": 2,
            "metric_type": "REACH",
        },
        {"metric_type": "GROWTH", "platform": "REDDIT", "likes": 4},
    )
    ask: dict[str, Any] = {
        "organization_id": own,
        "period_from": BEGIN,
        "period_before": BEGIN + DAY,
    }
    top = analytics.top_content(connection, **ask)
    assert [(row.id, row.engagements) for row in top] == [(good, 10), (poor, 2)]
    assert top[0].engagement_rate == 0.1
    pillars = analytics.pillar_performance(connection, **ask)
    assert [(row.name, row.pieces, row.engagement_rate) for row in pillars] == [
        ("P", 1, 0.1),
        (None, 1, 0.02),
    ]
    types = analytics.content_type_performance(connection, **ask)
    assert [row.type for row in types] == [ContentType.THREAD, ContentType.POST]
    published(connection, own, BEGIN + timedelta(hours=3))
    mix = analytics.channel_mix(connection, **ask)
    assert [
        (row.platform, row.posts, row.share_of_posts, row.share_of_engagements)
        for row in mix
    ] == [("TWITTER", 1, 1.0, 0.75), ("REDDIT", 0, 0.0, 0.25)]


def test_the_best_times_are_local_and_few_posts_count_less(
    connection: Connection,
) -> None:
    """003-01, 003-10"""
    own = add_organization(connection)
    # Monday 9:00 UTC is 10:00 in Berlin: three good posts; a better one in the evening.
    for week in range(3):
        at = BEGIN + timedelta(weeks=week, hours=9)
        post = published(connection, own, at)
        store(
            connection,
            own,
            {"scheduled_post_id": str(post), "impressions": 100, "likes": 20},
        )
    for hour, likes in ((20, 22), (3, 1)):
        post = published(connection, own, BEGIN + timedelta(hours=hour))
        store(
            connection,
            own,
            {"scheduled_post_id": str(post), "impressions": 100, "likes": likes},
        )
    rows = analytics.best_posting_times(
        connection,
        organization_id=own,
        platform=Platform.TWITTER,
        time_zone="Europe/Berlin",
    )
    assert [(row.day_of_week, row.hour, row.posts) for row in rows] == [
        (1, 10, 3),
        (1, 21, 1),
        (1, 4, 1),
    ]
    mean = (3 * 0.2 + 0.22 + 0.01) / 5
    assert rows[0].score == pytest.approx((0.6 + 5 * mean) / 8)
    assert rows[0].confidence == pytest.approx(3 / 8)


def test_a_plan_shows_so_many_days(seeded: Connection) -> None:
    """003-01"""
    since = analytics.analytics_since(seeded, organization_id=ORGANIZATION)
    assert since == value(seeded, "SELECT now() - INTERVAL '90 days'")
    users.set_user_plan(seeded, user_id=ADMIN, plan="free")
    since = analytics.analytics_since(seeded, organization_id=ORGANIZATION)
    assert since == value(seeded, "SELECT now() - INTERVAL '14 days'")


# --- Summaries ------------------------------------------------------------------


def test_a_summary_is_built_anew_until_it_is_accepted(connection: Connection) -> None:
    """003-01, 003-10"""
    own = add_organization(connection)
    piece = add_content(connection, own, title="Best of all")
    published(connection, own, BEGIN)
    figures = {"content_piece_id": str(piece), "impressions": 200, "likes": 10}
    store(connection, own, {**figures, "followers_delta": -2})

    def build() -> Any:
        return summaries.build_weekly_summary(
            connection, organization_id=own, week_start=MONDAY
        )

    row = build()
    assert (row.total_posts, row.avg_engagement) == (1, 0.05)
    assert row.top_content_piece_id == piece
    assert "Best of all" in row.report_md
    assert row.recommendations == [
        "Publish at least three times a week.",
        "More of what went best: POST",
        "Ask why followers leave.",
    ]
    assert row.key_insights["follower_growth"] == -2
    store(connection, own, {**figures, "likes": 20})
    again = build()
    assert (again.id, again.avg_engagement) == (row.id, 0.1)
    strategy = propose(connection, own)
    foreign = propose(connection, add_organization(connection))
    with pytest.raises(ForeignKeyViolation), connection.transaction():
        summaries.accept_summary(connection, summary_id=row.id, strategy_id=foreign)
    done = summaries.accept_summary(connection, summary_id=row.id, strategy_id=strategy)
    assert done == 1
    assert summaries.accept_summary(connection, summary_id=row.id) == 0
    assert build() is None
    (kept,) = summaries.list_summaries(connection, organization_id=own)
    assert kept.resulting_strategy_id == strategy


def test_organisations_without_a_summary_of_a_week_are_listed(
    connection: Connection,
) -> None:
    """003-01"""
    done, due = add_organization(connection), add_organization(connection)
    row = summaries.build_weekly_summary(
        connection, organization_id=done, week_start=MONDAY
    )
    assert found(row).total_posts == 0
    left = summaries.organizations_to_summarize(connection, week_start=MONDAY)
    assert left == [due]


def test_the_seeds_rows_are_found_by_what_they_are(seeded: Connection) -> None:
    """003-13"""
    strategy = found(strategies.get_strategy(seeded, strategy_id=STRATEGY))
    assert (strategy.status, strategy.confidence) == ("ACTIVE", 0.85)
    piece = found(content.get_content(seeded, content_id=PUBLISHED_PIECE))
    assert (piece.platform, piece.status) == ("LINKEDIN", "PUBLISHED")
    user = found(users.get_user(seeded, user_id=USER))
    admin = found(users.get_user(seeded, user_id=ADMIN))
    assert (user.plan, user.role, admin.plan, admin.role) == (
        *("free", "USER"),
        *("pro", "ADMIN"),
    )
    assert MetricType.ENGAGEMENT == "ENGAGEMENT"
