-- Ideas of the development seed, two of each user; their evaluations make five of them
-- more than drafts. The embeddings are made by hand: 1, 2 and 6 are about wasting less.
-- Loading them again changes nothing.

INSERT INTO ideas.business_ideas (
    id,
    user_id,
    title,
    description,
    embedding,
    created_at
)
SELECT
    given.id,
    given.user_id,
    given.title,
    given.description,
    ('[' || given.direction || repeat(', 0', 381) || ']')::public.vector,
    now() - given.age
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-b00000000001'::uuid,
            '01900000-0000-7000-8000-a00000000001'::uuid,
            'Repair café scheduler',
            'Volunteers who can mend toasters and trousers meet once a month; people '
            'with broken things find out by chance. A shared calendar matches what is '
            'broken with who can mend it, reserves a seat, and orders the spare part '
            'beforehand. Town councils pay a yearly fee for what is kept out of '
            'landfill, which the scheduler weighs and reports.',
            '0.9, 0.4, 0.1',
            INTERVAL '30 days'
        ),
        (
            '01900000-0000-7000-8000-b00000000002'::uuid,
            '01900000-0000-7000-8000-a00000000001'::uuid,
            'Kitchen surplus exchange',
            'Canteens know by two o''clock what they will not sell. Instead of price '
            'cuts at closing time they offer it, in one message, to kitchens within two '
            'kilometres that can still cook with it the same evening. The exchange earns '
            'a share of the price and lends the insulated boxes.',
            '0.8, 0.5, 0.2',
            INTERVAL '21 days'
        ),
        (
            '01900000-0000-7000-8000-b00000000003'::uuid,
            '01900000-0000-7000-8000-a00000000002'::uuid,
            'Rainwater sensors for allotments',
            'A float sensor on each water butt and a forecast of the next three days '
            'tell an allotment society when to share water between plots, and when to '
            'open the mains. The sensors run for five years on a coin cell and are '
            'rented per season, so that a society needs no budget for devices.',
            '0.1, 0.9, 0.3',
            INTERVAL '12 days'
        ),
        (
            '01900000-0000-7000-8000-b00000000004'::uuid,
            '01900000-0000-7000-8000-a00000000002'::uuid,
            'Night-shift childcare cooperative',
            'Hospitals, bakeries and bus depots employ parents for whom no nursery is '
            'open. Employers within one district found a cooperative that runs one '
            'house with beds, from eight in the evening to eight in the morning, and '
            'share its cost by the hours that their people book.',
            '0.1, 0.1, 0.9',
            INTERVAL '6 days'
        ),
        (
            '01900000-0000-7000-8000-b00000000005'::uuid,
            '01900000-0000-7000-8000-a00000000003'::uuid,
            'Sign-language video kiosks',
            'At a counter without an interpreter, deaf visitors press one button and '
            'talk through a certified interpreter on a screen, within a minute. Town '
            'halls and pharmacies pay by the minute; interpreters choose their hours '
            'and are paid from the first ring. 手語 in Taipei and DGS in Berlin come '
            'first.',
            '0.2, 0.2, 0.7',
            INTERVAL '2 days'
        ),
        (
            '01900000-0000-7000-8000-b00000000006'::uuid,
            '01900000-0000-7000-8000-a00000000003'::uuid,
            'Refillable cleaning tablets by post',
            'Cleaning agents are mostly water that is driven about. Tablets come by '
            'letter post in paper and are dissolved in the bottle that is already in '
            'the cupboard; a subscription follows what a household really uses, which '
            'the sender learns from how often it asks for the next letter.',
            '0.9, 0.2, 0.1',
            INTERVAL '1 day'
        )
) AS given (id, user_id, title, description, direction, age)
ON CONFLICT DO NOTHING;
