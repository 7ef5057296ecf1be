-- Mentions of the development seed: posts and comments, one with more downvotes than
-- upvotes and one by a deleted account. Loading them again changes nothing.

INSERT INTO dining.mentions (
    connection_id,
    source,
    source_id,
    thread_id,
    url,
    subreddit,
    author,
    excerpt,
    upvotes,
    posted_at,
    processed_at
)
SELECT
    given.connection_id::uuid,
    given.source::dining.mention_source,
    given.source_id,
    given.thread_id,
    format(
        'https://www.reddit.com/r/%s/comments/%s/seed/%s',
        given.subreddit,
        given.thread_id,
        given.source_id
    ),
    given.subreddit,
    given.author,
    given.excerpt,
    given.upvotes,
    given.posted_at::timestamptz,
    TIMESTAMPTZ '2026-03-01 12:00:00+00'
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-c00000000001',
            'post',
            'p1001',
            'p1001',
            'austinfood',
            'smoke_signal',
            'Pecan Streets brisket is worth the line. The bark alone. Go '
            'before eleven.',
            214,
            '2026-02-10 18:20:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000001',
            'comment',
            'k2001',
            'p1001',
            'austinfood',
            'ranch_water',
            'Seconded on the brisket. I asked for the point and regret '
            'nothing.',
            96,
            '2026-02-10 19:02:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000001',
            'comment',
            'k2002',
            'p1002',
            'Austin',
            'newtotown512',
            'First barbecue here after moving, and now every other brisket '
            'disappoints me.',
            41,
            '2026-02-21 12:41:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000001',
            'comment',
            'k2003',
            'p1003',
            'austinfood',
            NULL,
            'Dry on a Tuesday. They had been holding it too long.',
            -7,
            '2026-01-06 20:15:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000002',
            'post',
            'p1004',
            'p1004',
            'austinfood',
            'eggs_first',
            'The breakfast tacos at Mariposa: green salsa that bites, '
            'tortillas made while you wait.',
            132,
            '2026-02-18 14:05:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000002',
            'comment',
            'k2004',
            'p1004',
            'austinfood',
            'migas_maximalist',
            'Their salsa verde is no joke. Two tacos, one napkin, no '
            'talking.',
            58,
            '2026-02-18 15:30:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000002',
            'comment',
            'k2005',
            'p1005',
            'Austin',
            'bikes_to_work',
            'Mariposa opens at seven and is worth getting up for.',
            27,
            '2026-02-27 13:10:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000003',
            'comment',
            'k2006',
            'p1006',
            'austinfood',
            'broth_report',
            'Barton Ramen boils its bones for two days and you can tell.',
            75,
            '2026-01-20 03:44:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000003',
            'comment',
            'k2007',
            'p1007',
            'Austin',
            'late_shift_nurse',
            'The only tonkotsu I know of that is still there at midnight.',
            33,
            '2026-02-26 06:12:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000004',
            'post',
            'p1008',
            'p1008',
            'austinfood',
            'dough_hydration',
            'South Lamar Pizza Works: a margherita that holds up. '
            'Leoparding, basil after the oven.',
            64,
            '2025-12-12 01:20:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000004',
            'comment',
            'k2008',
            'p1008',
            'austinfood',
            'sauce_critic',
            'A little wet in the middle, as it should be.',
            12,
            '2025-12-12 02:02:00+00'
        ),
        (
            '01900000-0000-7000-8000-c00000000005',
            'comment',
            'k2009',
            'p1009',
            'Austin',
            'griddle_and_grit',
            'Lady Bird does lace edges on the smash burger. Six in the '
            'morning, no questions asked.',
            49,
            '2026-01-31 16:50:00+00'
        )
) AS given (
    connection_id,
    source,
    source_id,
    thread_id,
    subreddit,
    author,
    excerpt,
    upvotes,
    posted_at
)
ON CONFLICT DO NOTHING;
