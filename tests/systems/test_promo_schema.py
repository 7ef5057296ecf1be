"""The tables of `promo`: what they hold and refuse, what follows from a change."""

from __future__ import annotations

import json
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from drystone.database.sqlstates import translated
from drystone.errors import (
    BadInput,
    CheckViolation,
    ForeignKeyViolation,
    UniqueViolation,
)
from drystone.systems.core import audit
from drystone.systems.promo import (
    accounts,
    content,
    organizations,
    posts,
    strategies,
    users,
)
from drystone.systems.promo.inputs import ContentPiecesInsert
from drystone.systems.promo.types import Platform
from tests.systems.catalogs import broken_rule, rules
from tests.systems.promo_factories import (
    ADMIN,
    ALICE_TOKEN,
    DOCUMENT,
    NEXT_POST,
    ORGANIZATION,
    PUBLISHED_PIECE,
    SCHEDULED_PIECE,
    TWITTER,
    USER,
    add_account,
    add_content,
    add_organization,
    add_post,
    add_user,
)
from tests.systems.rows import found, value

Connection: TypeAlias = psycopg.Connection[Any]

MODELS = {
    "users",
    "organizations",
    "founders",
    "ai_strategies",
    "content_pieces",
    "social_accounts",
    "scheduled_posts",
    "analytics",
    "brand_rules",
    "assets",
    "content_pillars",
    "series",
    "weekly_summaries",
    "subscriptions",
    "usage",
}

# Each breaks one rule on the development seed and a second organisation, `Other`, with
# a pillar, a series, a strategy, content, an account and a post.
VIOLATIONS: dict[str, LiteralString] = {
    "plans_pkey": """
        INSERT INTO promo.plans (plan, display_name, price_monthly_cents,
            max_organizations, max_posts_per_month, max_strategies_per_month,
            analytics_days)
        VALUES ('free', 'Free', 0, 1, 1, 1, 1)
    """,
    "plans_stripe_price_id_key": "UPDATE promo.plans SET stripe_price_id = 'price_1'",
    "plans_plan_check": "UPDATE promo.plans SET plan = 'Scale!' WHERE plan = 'scale'",
    "plans_display_name_check": "UPDATE promo.plans SET display_name = ' '",
    "plans_price_monthly_cents_check": """
        UPDATE promo.plans SET price_monthly_cents = -1
    """,
    "plans_price_yearly_cents_check": "UPDATE promo.plans SET price_yearly_cents = -1",
    "plans_max_organizations_check": "UPDATE promo.plans SET max_organizations = 0",
    "plans_max_posts_per_month_check": """
        UPDATE promo.plans SET max_posts_per_month = -1
    """,
    "plans_max_strategies_per_month_check": """
        UPDATE promo.plans SET max_strategies_per_month = -1
    """,
    "plans_analytics_days_check": "UPDATE promo.plans SET analytics_days = 0",
    "plans_platforms_check": "UPDATE promo.plans SET platforms = '{}'",
    "plans_features_check": "UPDATE promo.plans SET features = '{}'",
    "users_pkey": """
        INSERT INTO promo.users (id, email)
        SELECT account.id, 'x' || account.email FROM promo.users AS account
    """,
    "users_plan_fkey": "UPDATE promo.users SET plan = 'gold'",
    "users_email_check": "UPDATE promo.users SET email = 'nobody@ example.org'",
    "users_password_hash_check": "UPDATE promo.users SET password_hash = 'hunter2'",
    "users_name_check": "UPDATE promo.users SET name = ' '",
    "users_lower_email_key": """
        INSERT INTO promo.users (email) VALUES ('Demo@Example.org')
    """,
    "organizations_pkey": """
        INSERT INTO promo.organizations (id, user_id, name)
        SELECT own.id, own.user_id, own.name FROM promo.organizations AS own
    """,
    "organizations_user_id_fkey": """
        UPDATE promo.organizations SET user_id = gen_random_uuid()
    """,
    "organizations_name_check": "UPDATE promo.organizations SET name = ' '",
    "organizations_url_check": "UPDATE promo.organizations SET url = 'javascript:x'",
    "organizations_embedding_check": """
        UPDATE promo.organizations
        SET embedding = array_fill(0, ARRAY[384])::real[]::vector
    """,
    "founders_pkey": """
        INSERT INTO promo.founders (id, organization_id, name)
        SELECT own.id, own.organization_id, own.name FROM promo.founders AS own
    """,
    "founders_organization_id_fkey": """
        UPDATE promo.founders SET organization_id = gen_random_uuid()
    """,
    "founders_name_check": "UPDATE promo.founders SET name = ' '",
    "founders_email_check": "UPDATE promo.founders SET email = 'nobody'",
    "founders_social_links_check": "UPDATE promo.founders SET social_links = '[]'",
    "founders_organization_id_primary_key": """
        INSERT INTO promo.founders (organization_id, name, is_primary)
        SELECT own.organization_id, 'Second', true FROM promo.founders AS own
    """,
    "brand_rules_pkey": """
        INSERT INTO promo.brand_rules (organization_id)
        SELECT rules.organization_id FROM promo.brand_rules AS rules
    """,
    "brand_rules_organization_id_fkey": """
        UPDATE promo.brand_rules SET organization_id = gen_random_uuid()
    """,
    "brand_rules_auto_approval_rules_check": """
        UPDATE promo.brand_rules SET auto_approval_rules = '[]'
    """,
    "brand_rules_approval_mode_check": """
        UPDATE promo.brand_rules SET auto_approval_rules = NULL
    """,
    "ai_strategies_pkey": """
        INSERT INTO promo.ai_strategies (id, organization_id, version, positioning,
            audience_segments, content_pillars, channel_plan, cadence,
            calendar_skeleton)
        SELECT own.id, own.organization_id, 7, '{}', '{}', '{}', '{}', '{}', '{}'
        FROM promo.ai_strategies AS own
    """,
    "ai_strategies_organization_id_version_key": """
        INSERT INTO promo.ai_strategies (organization_id, version, positioning,
            audience_segments, content_pillars, channel_plan, cadence,
            calendar_skeleton)
        SELECT own.organization_id, own.version, '{}', '{}', '{}', '{}', '{}', '{}'
        FROM promo.ai_strategies AS own
    """,
    "ai_strategies_organization_id_active_key": """
        INSERT INTO promo.ai_strategies (organization_id, version, status, accepted_at,
            positioning, audience_segments, content_pillars, channel_plan, cadence,
            calendar_skeleton)
        SELECT own.organization_id, 9, 'ACTIVE', now(), '{}', '{}', '{}', '{}', '{}',
            '{}'
        FROM promo.ai_strategies AS own
        WHERE own.status = 'ACTIVE'
    """,
    "ai_strategies_organization_id_fkey": """
        UPDATE promo.ai_strategies
        SET organization_id = gen_random_uuid()
        WHERE status = 'PROPOSED'
    """,
    "ai_strategies_organization_id_previous_id_fkey": """
        UPDATE promo.ai_strategies AS own
        SET previous_id = other.id
        FROM promo.ai_strategies AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "ai_strategies_version_check": "UPDATE promo.ai_strategies SET version = 0",
    "ai_strategies_previous_id_check": """
        UPDATE promo.ai_strategies SET previous_id = id
    """,
    "ai_strategies_confidence_check": "UPDATE promo.ai_strategies SET confidence = 1.1",
    "ai_strategies_accepted_at_check": """
        UPDATE promo.ai_strategies SET accepted_at = NULL WHERE status = 'ACTIVE'
    """,
    "content_pillars_pkey": """
        INSERT INTO promo.content_pillars (id, organization_id, name)
        SELECT own.id, own.organization_id, 'X' || own.name
        FROM promo.content_pillars AS own
    """,
    "content_pillars_organization_id_name_key": """
        INSERT INTO promo.content_pillars (organization_id, name)
        SELECT own.organization_id, own.name FROM promo.content_pillars AS own
    """,
    "content_pillars_organization_id_fkey": """
        INSERT INTO promo.content_pillars (organization_id, name)
        VALUES (gen_random_uuid(), 'X')
    """,
    "content_pillars_name_check": "UPDATE promo.content_pillars SET name = ' '",
    "content_pillars_color_check": "UPDATE promo.content_pillars SET color = 'red'",
    "series_pkey": """
        INSERT INTO promo.series (id, organization_id, name, platform, cadence,
            total_posts)
        SELECT own.id, own.organization_id, 'X', 'REDDIT', 'daily', 1
        FROM promo.series AS own
    """,
    "series_organization_id_fkey": """
        INSERT INTO promo.series (organization_id, name, platform, cadence, total_posts)
        VALUES (gen_random_uuid(), 'X', 'REDDIT', 'daily', 1)
    """,
    "series_organization_id_pillar_id_fkey": """
        UPDATE promo.series AS own
        SET pillar_id = other.id
        FROM promo.content_pillars AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "series_name_check": "UPDATE promo.series SET name = ''",
    "series_cadence_check": "UPDATE promo.series SET cadence = 'hourly'",
    "series_total_posts_check": """
        UPDATE promo.series SET total_posts = 0, published_posts = 0
    """,
    "series_published_posts_check": """
        UPDATE promo.series SET published_posts = total_posts + 1
    """,
    "series_end_date_check": """
        UPDATE promo.series SET start_date = '2026-01-02', end_date = '2026-01-01'
    """,
    "content_pieces_pkey": """
        INSERT INTO promo.content_pieces (id, organization_id, platform, body)
        SELECT own.id, own.organization_id, own.platform, own.body
        FROM promo.content_pieces AS own
    """,
    "content_pieces_series_id_sequence_no_key": """
        INSERT INTO promo.content_pieces (organization_id, series_id, sequence_no,
            platform, body)
        SELECT own.organization_id, own.series_id, own.sequence_no, 'TWITTER', 'X'
        FROM promo.content_pieces AS own
        WHERE own.series_id IS NOT NULL
    """,
    "content_pieces_organization_id_fkey": """
        INSERT INTO promo.content_pieces (organization_id, platform, body)
        VALUES (gen_random_uuid(), 'TWITTER', 'X')
    """,
    "content_pieces_organization_id_pillar_id_fkey": """
        UPDATE promo.content_pieces AS own
        SET pillar_id = other.id
        FROM promo.content_pillars AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "content_pieces_organization_id_series_id_fkey": """
        UPDATE promo.content_pieces AS own
        SET series_id = other.id
        FROM promo.series AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "content_pieces_organization_id_strategy_id_fkey": """
        UPDATE promo.content_pieces AS own
        SET strategy_id = other.id
        FROM promo.ai_strategies AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "content_pieces_sequence_no_check": """
        UPDATE promo.content_pieces SET sequence_no = 0
    """,
    "content_pieces_body_check": "UPDATE promo.content_pieces SET body = E' '",
    "content_pieces_media_refs_check": """
        UPDATE promo.content_pieces SET media_refs = '1'
    """,
    "content_pieces_confidence_check": "UPDATE promo.content_pieces SET confidence = 2",
    "content_pieces_embedding_check": """
        UPDATE promo.content_pieces
        SET embedding = array_fill(0, ARRAY[384])::real[]::vector
    """,
    "content_pieces_scheduled_at_check": """
        UPDATE promo.content_pieces SET scheduled_at = NULL WHERE status = 'SCHEDULED'
    """,
    "content_pieces_published_at_check": """
        UPDATE promo.content_pieces SET published_at = NULL WHERE status = 'PUBLISHED'
    """,
    "content_pieces_live_key": """
        INSERT INTO promo.content_pieces (organization_id, platform, body, status,
            scheduled_at)
        SELECT own.organization_id, own.platform, '  ' || upper(own.body) || ' ',
            'SCHEDULED', now()
        FROM promo.content_pieces AS own
        WHERE own.status = 'PUBLISHED'
    """,
    "assets_pkey": """
        INSERT INTO promo.assets (id, organization_id, filename, original_name, type,
            mime_type, size_bytes, s3_bucket, s3_key, url)
        SELECT own.id, own.organization_id, 'x', 'x', 'LOGO', 'image/png', 1, 'b',
            'new', own.url
        FROM promo.assets AS own
    """,
    "assets_s3_bucket_s3_key_key": """
        INSERT INTO promo.assets (organization_id, filename, original_name, type,
            mime_type, size_bytes, s3_bucket, s3_key, url)
        SELECT own.organization_id, 'x', 'x', 'LOGO', 'image/png', 1, own.s3_bucket,
            own.s3_key, own.url
        FROM promo.assets AS own
    """,
    "assets_organization_id_fkey": """
        INSERT INTO promo.assets (organization_id, filename, original_name, type,
            mime_type, size_bytes, s3_bucket, s3_key, url)
        VALUES (gen_random_uuid(), 'x', 'x', 'LOGO', 'image/png', 1, 'b', 'k',
            'https://x')
    """,
    "assets_uploaded_by_fkey": """
        UPDATE promo.assets SET uploaded_by = gen_random_uuid()
    """,
    "assets_filename_check": "UPDATE promo.assets SET filename = ''",
    "assets_mime_type_check": "UPDATE promo.assets SET mime_type = 'png'",
    "assets_size_bytes_check": "UPDATE promo.assets SET size_bytes = -1",
    "assets_url_check": "UPDATE promo.assets SET url = 'file:///etc/passwd'",
    "content_piece_assets_pkey": """
        INSERT INTO promo.content_piece_assets (organization_id, content_piece_id,
            asset_id)
        SELECT own.organization_id, own.content_piece_id, own.asset_id
        FROM promo.content_piece_assets AS own
    """,
    "content_piece_assets_organization_id_content_piece_id_fkey": """
        INSERT INTO promo.content_piece_assets (organization_id, content_piece_id,
            asset_id)
        SELECT asset.organization_id, piece.id, asset.id
        FROM promo.assets AS asset
        INNER JOIN promo.content_pieces AS piece
            ON piece.organization_id <> asset.organization_id
    """,
    "content_piece_assets_organization_id_asset_id_fkey": """
        INSERT INTO promo.content_piece_assets (organization_id, content_piece_id,
            asset_id)
        SELECT piece.organization_id, piece.id, asset.id
        FROM promo.assets AS asset
        INNER JOIN promo.content_pieces AS piece
            ON piece.organization_id <> asset.organization_id
    """,
    "content_piece_assets_position_check": """
        UPDATE promo.content_piece_assets SET position = -1
    """,
    "social_accounts_pkey": """
        INSERT INTO promo.social_accounts (id, organization_id, platform, handle,
            access_token_encrypted, token_key_id)
        SELECT own.id, own.organization_id, 'REDDIT', 'x', own.access_token_encrypted,
            'k'
        FROM promo.social_accounts AS own
    """,
    "social_accounts_organization_id_fkey": """
        INSERT INTO promo.social_accounts (organization_id, platform, handle,
            access_token_encrypted, token_key_id)
        SELECT gen_random_uuid(), 'REDDIT', 'x', own.access_token_encrypted, 'k'
        FROM promo.social_accounts AS own
    """,
    "social_accounts_organization_id_platform_handle_key": """
        INSERT INTO promo.social_accounts (organization_id, platform, handle,
            access_token_encrypted, token_key_id)
        SELECT own.organization_id, own.platform, upper(own.handle),
            own.access_token_encrypted, 'k'
        FROM promo.social_accounts AS own
    """,
    "social_accounts_handle_check": "UPDATE promo.social_accounts SET handle = '@ada'",
    "social_accounts_access_token_encrypted_check": """
        UPDATE promo.social_accounts SET access_token_encrypted = 'a bare token'
    """,
    "social_accounts_refresh_token_encrypted_check": """
        UPDATE promo.social_accounts SET refresh_token_encrypted = 'a bare token'
    """,
    "social_accounts_token_key_id_check": """
        UPDATE promo.social_accounts SET token_key_id = ''
    """,
    "social_accounts_followers_count_check": """
        UPDATE promo.social_accounts SET followers_count = -1
    """,
    "social_accounts_following_count_check": """
        UPDATE promo.social_accounts SET following_count = -1
    """,
    "social_accounts_posts_count_check": """
        UPDATE promo.social_accounts SET posts_count = -1
    """,
    "subscriptions_pkey": """
        INSERT INTO promo.subscriptions (id, user_id, plan, status)
        SELECT own.id, own.user_id, own.plan, 'UNPAID' FROM promo.subscriptions AS own
    """,
    "subscriptions_stripe_subscription_id_key": """
        INSERT INTO promo.subscriptions (user_id, plan, status, stripe_subscription_id)
        SELECT own.user_id, own.plan, 'UNPAID', own.stripe_subscription_id
        FROM promo.subscriptions AS own
    """,
    "subscriptions_user_id_fkey": """
        INSERT INTO promo.subscriptions (user_id, plan, status)
        VALUES (gen_random_uuid(), 'pro', 'UNPAID')
    """,
    "subscriptions_plan_fkey": """
        INSERT INTO promo.subscriptions (user_id, plan, status)
        SELECT account.id, 'gold', 'UNPAID' FROM promo.users AS account
    """,
    "subscriptions_user_id_live_key": """
        INSERT INTO promo.subscriptions (user_id, plan, status)
        SELECT own.user_id, own.plan, 'TRIALING' FROM promo.subscriptions AS own
    """,
    "subscriptions_current_period_end_check": """
        UPDATE promo.subscriptions SET current_period_end = current_period_start
    """,
    "subscriptions_cancelled_at_check": """
        UPDATE promo.subscriptions SET status = 'CANCELLED'
    """,
    "usage_pkey": """
        INSERT INTO promo.usage (user_id, month)
        SELECT used.user_id, used.month FROM promo.usage AS used
    """,
    "usage_user_id_fkey": """
        INSERT INTO promo.usage (user_id, month)
        VALUES (gen_random_uuid(), '2026-01-01')
    """,
    "usage_month_check": "UPDATE promo.usage SET month = month + 1",
    "usage_posts_generated_check": "UPDATE promo.usage SET posts_generated = -1",
    "usage_posts_published_check": "UPDATE promo.usage SET posts_published = -1",
    "usage_strategies_generated_check": """
        UPDATE promo.usage SET strategies_generated = -1
    """,
    "usage_organizations_created_check": """
        UPDATE promo.usage SET organizations_created = -1
    """,
    "scheduled_posts_pkey": """
        INSERT INTO promo.scheduled_posts (id, organization_id, content_piece_id,
            social_account_id, scheduled_at, status, idempotency_key)
        SELECT own.id, own.organization_id, own.content_piece_id, own.social_account_id,
            now(), 'CANCELLED', 'x'
        FROM promo.scheduled_posts AS own
    """,
    "scheduled_posts_organization_id_idempotency_key_key": """
        INSERT INTO promo.scheduled_posts (organization_id, content_piece_id,
            social_account_id, scheduled_at, status, idempotency_key)
        SELECT own.organization_id, own.content_piece_id, own.social_account_id, now(),
            'CANCELLED', own.idempotency_key
        FROM promo.scheduled_posts AS own
    """,
    "scheduled_posts_organization_id_fkey": """
        INSERT INTO promo.scheduled_posts (organization_id, content_piece_id,
            social_account_id, scheduled_at, status, idempotency_key)
        SELECT gen_random_uuid(), own.content_piece_id, own.social_account_id, now(),
            'CANCELLED', 'x'
        FROM promo.scheduled_posts AS own
    """,
    "scheduled_posts_organization_id_content_piece_id_fkey": """
        UPDATE promo.scheduled_posts AS own
        SET content_piece_id = other.id
        FROM promo.content_pieces AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "scheduled_posts_organization_id_social_account_id_fkey": """
        UPDATE promo.scheduled_posts AS own
        SET social_account_id = other.id
        FROM promo.social_accounts AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "scheduled_posts_idempotency_key_check": """
        UPDATE promo.scheduled_posts SET idempotency_key = ' '
    """,
    "scheduled_posts_max_attempts_check": """
        UPDATE promo.scheduled_posts SET max_attempts = 21
    """,
    "scheduled_posts_attempt_count_check": """
        UPDATE promo.scheduled_posts SET attempt_count = 4
    """,
    "scheduled_posts_published_at_check": """
        UPDATE promo.scheduled_posts SET published_at = NULL WHERE status = 'PUBLISHED'
    """,
    "scheduled_posts_locked_by_check": """
        UPDATE promo.scheduled_posts SET locked_by = 'w'
    """,
    "scheduled_posts_lease_until_check": """
        UPDATE promo.scheduled_posts SET lease_until = now()
    """,
    "scheduled_posts_next_attempt_at_check": """
        UPDATE promo.scheduled_posts SET next_attempt_at = now()
    """,
    "scheduled_posts_error_message_check": """
        INSERT INTO promo.scheduled_posts (organization_id, content_piece_id,
            social_account_id, scheduled_at, status, idempotency_key)
        SELECT own.organization_id, own.content_piece_id, own.social_account_id, now(),
            'FAILED', 'x'
        FROM promo.scheduled_posts AS own
    """,
    "scheduled_posts_publishable": """
        INSERT INTO promo.scheduled_posts (organization_id, content_piece_id,
            social_account_id, scheduled_at, idempotency_key)
        SELECT piece.organization_id, piece.id, account.id, now(), 'x'
        FROM promo.content_pieces AS piece
        INNER JOIN promo.social_accounts AS account
            ON account.organization_id = piece.organization_id
            AND account.platform <> piece.platform
    """,
    "analytics_pkey": """
        INSERT INTO promo.analytics (id, organization_id, platform, metric_type,
            period_start, period_end)
        OVERRIDING SYSTEM VALUE
        SELECT own.id, own.organization_id, 'REDDIT', 'REACH', '2020-01-01',
            '2020-01-02'
        FROM promo.analytics AS own
        LIMIT 1
    """,
    "analytics_subject_period_start_key": """
        INSERT INTO promo.analytics (organization_id, platform, metric_type,
            period_start, period_end)
        SELECT own.id, platform, 'REACH', '2020-01-01', '2020-01-02'
        FROM promo.organizations AS own
        CROSS JOIN unnest('{TWITTER,REDDIT}'::promo.platform[]) AS platform
    """,
    "analytics_organization_id_fkey": """
        INSERT INTO promo.analytics (organization_id, platform, metric_type,
            period_start, period_end)
        VALUES (gen_random_uuid(), 'REDDIT', 'REACH', '2020-01-01', '2020-01-02')
    """,
    "analytics_organization_id_content_piece_id_fkey": """
        UPDATE promo.analytics AS own
        SET content_piece_id = other.id
        FROM promo.content_pieces AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "analytics_organization_id_scheduled_post_id_fkey": """
        UPDATE promo.analytics AS own
        SET scheduled_post_id = other.id
        FROM promo.scheduled_posts AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "analytics_organization_id_social_account_id_fkey": """
        UPDATE promo.analytics AS own
        SET social_account_id = other.id
        FROM promo.social_accounts AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "analytics_impressions_check": "UPDATE promo.analytics SET impressions = -1",
    "analytics_likes_check": "UPDATE promo.analytics SET likes = -1",
    "analytics_comments_check": "UPDATE promo.analytics SET comments = -1",
    "analytics_shares_check": "UPDATE promo.analytics SET shares = -1",
    "analytics_saves_check": "UPDATE promo.analytics SET saves = -1",
    "analytics_clicks_check": "UPDATE promo.analytics SET clicks = -1",
    "analytics_reach_check": "UPDATE promo.analytics SET reach = -1",
    "analytics_website_clicks_check": "UPDATE promo.analytics SET website_clicks = -1",
    "analytics_signups_check": "UPDATE promo.analytics SET signups = -1",
    "analytics_demos_check": "UPDATE promo.analytics SET demos = -1",
    "analytics_period_end_check": """
        UPDATE promo.analytics SET period_end = period_start
    """,
    "weekly_summaries_pkey": """
        INSERT INTO promo.weekly_summaries (id, organization_id, week_start, report_md)
        SELECT own.id, own.organization_id, '2026-01-05', 'x'
        FROM promo.weekly_summaries AS own
    """,
    "weekly_summaries_organization_id_week_start_key": """
        INSERT INTO promo.weekly_summaries (organization_id, week_start, report_md)
        SELECT own.organization_id, own.week_start, 'x'
        FROM promo.weekly_summaries AS own
    """,
    "weekly_summaries_organization_id_fkey": """
        INSERT INTO promo.weekly_summaries (organization_id, week_start, report_md)
        VALUES (gen_random_uuid(), '2026-01-05', 'x')
    """,
    "weekly_summaries_organization_id_top_content_piece_id_fkey": """
        UPDATE promo.weekly_summaries AS own
        SET top_content_piece_id = other.id
        FROM promo.content_pieces AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "weekly_summaries_organization_id_resulting_strategy_id_fkey": """
        UPDATE promo.weekly_summaries AS own
        SET resulting_strategy_id = other.id
        FROM promo.ai_strategies AS other
        WHERE other.organization_id <> own.organization_id
    """,
    "weekly_summaries_week_start_check": """
        UPDATE promo.weekly_summaries SET week_start = week_start + 1
    """,
    "weekly_summaries_recommendations_check": """
        UPDATE promo.weekly_summaries SET recommendations = '{}'
    """,
    "weekly_summaries_key_insights_check": """
        UPDATE promo.weekly_summaries SET key_insights = '[]'
    """,
    "weekly_summaries_total_posts_check": """
        UPDATE promo.weekly_summaries SET total_posts = -1
    """,
}

# Keys on two columns of which one is the primary key: that one is broken first.
COVERED = {
    "ai_strategies_organization_id_id_key",
    "content_pillars_organization_id_id_key",
    "series_organization_id_id_key",
    "content_pieces_organization_id_id_key",
    "assets_organization_id_id_key",
    "social_accounts_organization_id_id_key",
    "scheduled_posts_organization_id_id_key",
}


def add_other(connection: Connection) -> UUID:
    """A second organisation, with one row of everything that can be referred to."""
    other = add_organization(connection, name="Other")
    add_post(connection, organization_id=other)
    content.create_pillar(connection, organization_id=other, name="Other pillar")
    content.create_series(
        connection,
        organization_id=other,
        name="Other series",
        platform=Platform.TWITTER,
        cadence="daily",
        total_posts=1,
    )
    strategies.propose_strategy(connection, organization_id=other, document=DOCUMENT)
    return other


def test_a_row_that_breaks_a_rule_is_refused_by_its_name(
    seeded: Connection,
) -> None:
    """003-02, 003-07, 003-08"""
    add_other(seeded)
    broken = {
        rule: broken_rule(seeded, statement) for rule, statement in VIOLATIONS.items()
    }
    assert broken == {rule: rule for rule in VIOLATIONS}


def test_every_constraint_has_a_row_that_breaks_it(connection: Connection) -> None:
    """003-07, 003-08"""
    names = rules(connection, "promo")
    assert names - COVERED == set(VIOLATIONS) - {"scheduled_posts_publishable"}


# --- What was asked for ---------------------------------------------------------


def test_there_are_15_models_and_what_joins_them(connection: Connection) -> None:
    """003-01, 003-10"""
    rows = connection.execute(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'promo'::regnamespace AND relkind = 'r'"
    )
    tables = {name for (name,) in rows}
    assert tables - MODELS == {"plans", "content_piece_assets"}
    assert tables >= MODELS


def test_there_are_as_many_keys_indexes_enums_and_documents_as_asked_for(
    connection: Connection,
) -> None:
    """003-02, 003-03, 003-04, 003-05"""

    def count(statement: LiteralString) -> Any:
        return value(connection, statement)

    of_promo: LiteralString = "relnamespace = 'promo'::regnamespace"
    assert (
        count(
            "SELECT count(*) FROM pg_constraint"
            " WHERE contype = 'f' AND connamespace = 'promo'::regnamespace"
        )
        >= 25
    )
    assert (
        count(
            "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE NOT indisprimary AND " + of_promo
        )
        >= 30
    )
    assert (
        count(
            "SELECT count(*) FROM pg_type"
            " WHERE typtype = 'e' AND typnamespace = 'promo'::regnamespace"
        )
        >= 10
    )
    documents = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'promo' AND data_type = 'jsonb'"
    ).fetchall()
    assert set(documents) >= {
        ("ai_strategies", "positioning"),
        ("ai_strategies", "audience_segments"),
        ("ai_strategies", "content_pillars"),
        ("ai_strategies", "channel_plan"),
        ("ai_strategies", "cadence"),
        ("ai_strategies", "calendar_skeleton"),
        ("content_pieces", "media_refs"),
        ("brand_rules", "auto_approval_rules"),
        ("weekly_summaries", "recommendations"),
        ("weekly_summaries", "key_insights"),
    }


ENUMS = {
    "user_role": "USER ADMIN MODERATOR",
    "platform": "TWITTER LINKEDIN INSTAGRAM TIKTOK YOUTUBE_SHORTS REDDIT FACEBOOK"
    " THREADS",
    "content_status": "DRAFT PENDING_REVIEW APPROVED SCHEDULED PUBLISHED FAILED"
    " ARCHIVED",
    "content_type": "POST THREAD STORY REEL SHORT CAROUSEL POLL",
    "post_status": "SCHEDULED PUBLISHING PUBLISHED FAILED CANCELLED RETRYING",
    "strategy_status": "PROPOSED ACTIVE ARCHIVED REJECTED",
    "metric_type": "ENGAGEMENT REACH CONVERSION GROWTH",
    "approval_mode": "AUTO MANUAL CONDITIONAL",
    "asset_type": "LOGO SCREENSHOT VIDEO DOCUMENT IMAGE AVATAR BANNER CASE_STUDY",
    "series_status": "ACTIVE COMPLETED PAUSED CANCELLED",
    "subscription_status": "ACTIVE CANCELLED PAST_DUE TRIALING INCOMPLETE UNPAID",
}


def test_the_enums_have_the_values_of_the_repository(connection: Connection) -> None:
    """003-04, 003-08, 003-10"""
    rows = connection.execute(
        """
        SELECT type.typname, string_agg(label.enumlabel, ' ' ORDER BY enumsortorder)
        FROM pg_type AS type
        INNER JOIN pg_enum AS label ON label.enumtypid = type.oid
        WHERE type.typnamespace = 'promo'::regnamespace
        GROUP BY type.typname
        """
    )
    assert dict(rows.fetchall()) == {**ENUMS, "usage_metric": "POSTS STRATEGIES"}


def test_every_foreign_key_begins_an_index(connection: Connection) -> None:
    """003-03"""
    rows = connection.execute(
        """
        SELECT rule.conname
        FROM pg_constraint AS rule
        WHERE
            rule.contype = 'f'
            AND rule.connamespace = 'promo'::regnamespace
            AND NOT EXISTS (
                SELECT
                FROM pg_index AS entry
                WHERE
                    entry.indrelid = rule.conrelid
                    AND entry.indkey[0] = rule.conkey[cardinality(rule.conkey)]
            )
        """
    )
    assert rows.fetchall() == []


def test_rows_below_rows_are_those_of_the_diagram(connection: Connection) -> None:
    """003-02, 003-09"""
    rows = connection.execute(
        """
        SELECT rule.conrelid::regclass::text, rule.confrelid::regclass::text
        FROM pg_constraint AS rule
        WHERE rule.contype = 'f' AND rule.connamespace = 'promo'::regnamespace
        """
    )
    joined = {
        (child.removeprefix("promo."), parent.removeprefix("promo."))
        for child, parent in rows
    }
    assert joined >= {
        ("organizations", "users"),
        ("content_pieces", "organizations"),
        ("scheduled_posts", "content_pieces"),
        ("analytics", "scheduled_posts"),
        ("founders", "organizations"),
        ("ai_strategies", "organizations"),
        ("social_accounts", "organizations"),
        ("brand_rules", "organizations"),
        ("assets", "organizations"),
        ("scheduled_posts", "social_accounts"),
        ("subscriptions", "users"),
        ("usage", "users"),
    }


def test_the_queues_have_the_numbers_of_the_repository(connection: Connection) -> None:
    """003-06, 003-14"""
    rows = connection.execute(
        "SELECT queue, default_priority, max_attempts, max_active, backoff_ms,"
        " backoff_kind, keep_completed, keep_failed FROM core.queues ORDER BY queue"
    )
    exponential = (2000, "exponential", 10, 50)
    assert rows.fetchall() == [
        ("analytics", 3, 3, 5, *exponential),
        ("content-generation", 1, 3, 3, *exponential),
        ("email", 4, 5, 10, *exponential),
        ("publishing", 2, 3, 10, *exponential),
        ("strategy-generation", 1, 2, 2, *exponential),
    ]


def test_rates_are_of_the_counts_and_cannot_be_set(seeded: Connection) -> None:
    """003-01, 003-10"""
    row = seeded.execute(
        """
        UPDATE promo.analytics
        SET impressions = 200, likes = 8, comments = 1, shares = 0, saves = 1,
            clicks = 3
        RETURNING engagement_rate, ctr
        """
    ).fetchone()
    assert row == (0.05, 0.015)
    row = seeded.execute(
        "UPDATE promo.analytics SET impressions = 0, likes = 2147483647,"
        " shares = 2147483647 RETURNING engagement_rate, ctr"
    ).fetchone()
    assert row == (None, None)
    with pytest.raises(errors.GeneratedAlways):
        seeded.execute("UPDATE promo.analytics SET engagement_rate = 1")


# --- Other organisations --------------------------------------------------------


def test_a_post_cannot_join_another_organisations_account(
    connection: Connection,
) -> None:
    """003-02, 003-09"""
    own, other = add_organization(connection), add_organization(connection)
    piece = add_content(connection, own)
    foreign = add_account(connection, other)
    with pytest.raises(ForeignKeyViolation) as caught, connection.transaction():
        posts.schedule_post(
            connection,
            content_id=piece,
            social_account_id=foreign,
            scheduled_at=value(connection, "SELECT now()"),
            idempotency_key="k",
        )
    assert caught.value.constraint == (
        "scheduled_posts_organization_id_social_account_id_fkey"
    )
    assert value(connection, "SELECT count(*) FROM promo.scheduled_posts") == 0


def test_the_same_handle_and_key_may_be_anothers(connection: Connection) -> None:
    """003-07"""
    for _ in range(2):
        own = add_organization(connection)
        account = add_account(connection, own, handle="ada")
        add_post(
            connection, organization_id=own, account_id=account, idempotency_key="k"
        )
    with pytest.raises(UniqueViolation) as caught, connection.transaction():
        accounts.connect_account(
            connection,
            id=value(connection, "SELECT core.new_id()"),
            organization_id=own,
            platform=Platform.TWITTER,
            handle="ADA",
            access_token_encrypted=b"x" * 28,
            token_key_id="k",
        )
    assert caught.value.constraint == (
        "social_accounts_organization_id_platform_handle_key"
    )


# --- States ---------------------------------------------------------------------

STEPS: dict[str, LiteralString] = {
    "content_pieces_status_step": """
        UPDATE promo.content_pieces SET status = 'DRAFT' WHERE status = 'PUBLISHED'
    """,
    "ai_strategies_status_step": """
        UPDATE promo.ai_strategies SET status = 'REJECTED' WHERE status = 'ACTIVE'
    """,
    "scheduled_posts_status_step": """
        UPDATE promo.scheduled_posts
        SET status = 'SCHEDULED', published_at = NULL
        WHERE status = 'PUBLISHED'
    """,
    "subscriptions_status_step": """
        UPDATE promo.subscriptions SET status = 'CANCELLED', cancelled_at = now();
        UPDATE promo.subscriptions SET status = 'ACTIVE';
    """,
}


def test_a_step_that_does_not_exist_is_refused_as_a_broken_rule(
    seeded: Connection,
) -> None:
    """003-08"""
    broken = {rule: broken_rule(seeded, statement) for rule, statement in STEPS.items()}
    assert broken == {rule: rule for rule in STEPS}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE promo.content_pieces SET status = 'DRAFT'",
            "the content is not approved",
        ),
        (
            "UPDATE promo.content_pieces SET deleted_at = now()",
            "the content is deleted",
        ),
        (
            "UPDATE promo.social_accounts SET is_active = false",
            "the account is not active",
        ),
        (
            "UPDATE promo.social_accounts SET deleted_at = now()",
            "the account is deleted",
        ),
        (
            "UPDATE promo.social_accounts SET platform = 'REDDIT'",
            "on another platform",
        ),
    ],
)
def test_only_approved_content_goes_out_by_a_usable_account(
    connection: Connection, change: LiteralString, problem: str
) -> None:
    """003-08, 003-11"""
    own = add_organization(connection)
    piece, account = add_content(connection, own), add_account(connection, own)
    connection.execute(change)
    with pytest.raises(CheckViolation, match=problem), connection.transaction():
        insert_post(connection, own, piece, account)


def insert_post(
    connection: Connection, organization: UUID, piece: UUID, account: UUID
) -> None:
    """Insert a post by SQL, with the errors of Drystone."""
    with translated():
        connection.execute(
            """
            INSERT INTO promo.scheduled_posts (organization_id, content_piece_id,
                social_account_id, scheduled_at, idempotency_key)
            VALUES (%s, %s, %s, now(), 'k')
            """,
            [organization, piece, account],
        )


# --- Deletion -------------------------------------------------------------------

ALIVE: dict[str, LiteralString] = {
    "organizations": """
        SELECT count(*) FROM promo.organizations WHERE deleted_at IS NULL
    """,
    "content_pieces": (
        "SELECT count(*) FROM promo.content_pieces WHERE deleted_at IS NULL"
    ),
    "social_accounts": (
        "SELECT count(*) FROM promo.social_accounts WHERE deleted_at IS NULL"
    ),
    "assets": "SELECT count(*) FROM promo.assets WHERE deleted_at IS NULL",
}


def alive(connection: Connection) -> dict[str, int]:
    """How many rows of each table that can be deleted are not."""
    return {table: value(connection, statement) for table, statement in ALIVE.items()}


def test_what_belongs_to_a_user_is_deleted_and_restored_with_the_user(
    seeded: Connection,
) -> None:
    """003-02, 003-11"""
    content.soft_delete_content(seeded, content_id=PUBLISHED_PIECE)
    before = alive(seeded)
    assert users.soft_delete_user(seeded, user_id=ADMIN) == 1
    assert set(alive(seeded).values()) == {0}
    assert users.get_user(seeded, user_id=ADMIN) is None
    assert users.soft_delete_user(seeded, user_id=ADMIN) == 0
    post = found(posts.get_post(seeded, post_id=NEXT_POST))
    assert post.status == "CANCELLED"
    assert users.restore_user(seeded, user_id=ADMIN) == 1
    assert alive(seeded) == before
    piece = found(content.get_content(seeded, content_id=SCHEDULED_PIECE))
    assert piece.status == "APPROVED"  # its post stays cancelled


def test_nothing_lives_under_what_is_deleted(seeded: Connection) -> None:
    """003-02"""
    organizations.soft_delete_organization(seeded, organization_id=ORGANIZATION)
    for restore in (
        lambda: content.restore_content(seeded, content_id=SCHEDULED_PIECE),
        lambda: accounts.restore_account(seeded, account_id=TWITTER),
        lambda: add_content(seeded, ORGANIZATION),
    ):
        with pytest.raises(ForeignKeyViolation) as caught, seeded.transaction():
            restore()
        assert str(caught.value.constraint).endswith("_organization_id_live")


def test_a_deleted_users_address_is_free_until_it_is_restored(
    connection: Connection,
) -> None:
    """003-07"""
    first = add_user(connection, email="ada@example.org")
    users.soft_delete_user(connection, user_id=first)
    add_user(connection, email="Ada@Example.org")
    with pytest.raises(UniqueViolation) as caught, connection.transaction():
        users.restore_user(connection, user_id=first)
    assert caught.value.constraint == "users_lower_email_key"


def test_deleting_a_user_for_good_takes_everything_along(
    seeded: Connection,
) -> None:
    """003-02"""
    assert users.delete_user_for_good(seeded, user_id=ADMIN) == 1
    seeded.execute("SET CONSTRAINTS ALL IMMEDIATE")
    left = {
        table: value(seeded, f"SELECT count(*) FROM promo.{table}")
        for table in MODELS | {"content_piece_assets"}
    }
    assert {table for table, rows in left.items() if rows} == {"users"}


def test_what_refers_to_a_deleted_row_loses_it_or_goes_along(
    seeded: Connection,
) -> None:
    """003-02"""
    seeded.execute("DELETE FROM promo.ai_strategies")
    seeded.execute("DELETE FROM promo.content_pillars")
    piece = found(content.get_content(seeded, content_id=PUBLISHED_PIECE))
    assert (piece.strategy_id, piece.pillar_id) == (None, None)
    assert piece.organization_id == ORGANIZATION
    # A file in use stays, and so does a plan.
    assert broken_rule(seeded, "DELETE FROM promo.assets") == (
        "content_piece_assets_organization_id_asset_id_fkey"
    )
    assert broken_rule(seeded, "DELETE FROM promo.plans") in {
        "users_plan_fkey",
        "subscriptions_plan_fkey",
    }
    # Two accounts' figures without a post, of the same time: both accounts can go.
    seeded.execute(
        """
        INSERT INTO promo.analytics (organization_id, social_account_id, platform,
            metric_type, period_start, period_end)
        SELECT organization_id, id, platform, 'GROWTH', '2026-01-01', '2026-01-02'
        FROM promo.social_accounts
        """
    )
    seeded.execute("DELETE FROM promo.social_accounts")
    assert value(seeded, "SELECT count(*) FROM promo.analytics") == 0


# --- The trail ------------------------------------------------------------------


def test_every_table_but_the_counters_leaves_a_trail(seeded: Connection) -> None:
    """003-11"""
    rows = seeded.execute(
        "SELECT DISTINCT table_name FROM core.audit_log WHERE schema_name = 'promo'"
    )
    tables = {name for (name,) in rows}
    assert tables == MODELS - {"analytics", "usage"} | {"plans", "content_piece_assets"}


def test_the_trail_has_no_token_and_no_password(connection: Connection) -> None:
    """003-11"""
    own = add_organization(connection)
    account = add_account(connection, own)
    sealed = value(
        connection, "SELECT access_token_encrypted FROM promo.social_accounts"
    ).hex()
    connection.execute(
        "UPDATE promo.social_accounts SET access_token_encrypted = decode(repeat('ab',"
        " 30), 'hex'), refresh_token_encrypted = NULL"
    )
    trail = audit.audit_history(
        connection,
        schema_name="promo",
        table_name="social_accounts",
        row_pk=str(account),
        limit_rows=10,
    )
    assert [entry.op for entry in trail] == ["UPDATE", "INSERT"]
    assert trail[0].changed == ["access_token_encrypted", "refresh_token_encrypted"]
    for secret in (sealed, "abab", ALICE_TOKEN):
        assert secret not in str(trail)
    assert "k1" in str(trail)  # the id of the key may be known


def test_an_update_stamps_its_time(seeded: Connection) -> None:
    """003-11"""
    tables = seeded.execute(
        """
        SELECT relation.oid::regclass::text
        FROM pg_class AS relation
        INNER JOIN pg_attribute AS attribute
            ON attribute.attrelid = relation.oid
            AND attribute.attname = 'updated_at'
        WHERE relation.relnamespace = 'promo'::regnamespace AND relation.relkind = 'r'
        """
    ).fetchall()
    assert len(tables) == 14
    for (table,) in tables:
        updated = seeded.execute(
            f"UPDATE {table} SET created_at = created_at RETURNING updated_at > now()"
        )
        assert set(updated.fetchall()) == {(True,)}, table


def test_input_models_draw_the_same_lines() -> None:
    """003-08"""
    piece = {"organization_id": str(USER), "platform": "TWITTER", "body": "x"}
    assert ContentPiecesInsert.parse(json.dumps(piece)).body == "x"
    for wrong in ({"confidence": 1.5}, {"platform": "MYSPACE"}, {"sequence_no": 0}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            ContentPiecesInsert.parse(json.dumps({**piece, **wrong}))
