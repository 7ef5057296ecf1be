-- Business ideas: written down, listed, changed, deleted and brought back.

-- name: create_idea(user_id, title, description, embedding)<!
-- Writes an idea down, as a draft of a living user.
-- nullable: embedding
INSERT INTO ideas.business_ideas (
    user_id,
    title,
    description,
    embedding
)
VALUES (
    :user_id,
    btrim(:title::text),
    :description,
    :embedding
)
RETURNING
    id,
    user_id,
    title,
    status,
    created_at;

-- name: bulk_insert_ideas(user_id, title, description)*!
-- Writes many ideas down; in a transaction it is all of them or none.
INSERT INTO ideas.business_ideas (
    user_id,
    title,
    description
)
VALUES (
    :user_id,
    btrim(:title::text),
    :description
);

-- name: get_idea(idea_id)^
-- A living idea.
-- replica: ok
SELECT
    idea.id,
    idea.user_id,
    idea.title,
    idea.description,
    idea.status,
    idea.created_at,
    idea.updated_at
FROM ideas.business_ideas AS idea
WHERE
    idea.id = :idea_id
    AND idea.deleted_at IS NULL;

-- name: get_idea_complete(idea_id)^
-- A living idea with its user and all its evaluations, latest first, each with what the
-- agents made of it.
-- replica: ok
SELECT
    idea.id,
    idea.title,
    idea.description,
    idea.status,
    idea.created_at,
    idea.updated_at,
    owner.id AS "user.id",
    owner.email AS "user.email",
    owner.name AS "user.name",
    evaluation.id AS "evaluations[].id",
    evaluation.revision AS "evaluations[].revision",
    evaluation.status AS "evaluations[].status",
    evaluation.priority AS "evaluations[].priority",
    evaluation.started_at AS "evaluations[].started_at",
    evaluation.completed_at AS "evaluations[].completed_at",
    evaluation.results AS "evaluations[].results",
    evaluation.error_message AS "evaluations[].error_message",
    result.id AS "evaluations[].agent_results[].id",
    result.agent_type AS "evaluations[].agent_results[].agent_type",
    result.status AS "evaluations[].agent_results[].status",
    result.score AS "evaluations[].agent_results[].score",
    result.insights AS "evaluations[].agent_results[].insights",
    result.error_message AS "evaluations[].agent_results[].error_message"
FROM ideas.business_ideas AS idea
INNER JOIN ideas.users AS owner
    ON owner.id = idea.user_id
LEFT JOIN ideas.evaluations AS evaluation
    ON evaluation.business_idea_id = idea.id
    AND evaluation.deleted_at IS NULL
LEFT JOIN ideas.agent_results AS result
    ON result.evaluation_id = evaluation.id
    AND result.deleted_at IS NULL
WHERE
    idea.id = :idea_id
    AND idea.deleted_at IS NULL
ORDER BY
    evaluation.revision DESC,
    result.agent_type;

-- name: list_ideas(user_id, status, title, created_from, created_before, offset_rows, limit_rows)
-- A page of living ideas: all of them, or those of a user, of a status, with a part of
-- the title, or of a period; 20 unless limit_rows says otherwise.
-- order newest: idea.created_at DESC, idea.id DESC
-- order oldest: idea.created_at, idea.id
-- order title: idea.title, idea.id
-- replica: ok
SELECT
    idea.id,
    idea.user_id,
    idea.title,
    idea.status,
    idea.created_at,
    idea.updated_at
FROM ideas.business_ideas AS idea
WHERE
    idea.deleted_at IS NULL
    AND (:user_id::uuid IS NULL OR idea.user_id = :user_id)
    AND (:status::ideas.idea_status IS NULL OR idea.status = :status)
    AND (
        :title::text IS NULL
        OR (
            idea.title_trigrams @> ideas.inner_trigrams(:title)
            AND strpos(lower(idea.title), lower(:title)) > 0
        )
    )
    AND (:created_from::timestamptz IS NULL OR idea.created_at >= :created_from)
    AND (:created_before::timestamptz IS NULL OR idea.created_at < :created_before)
ORDER BY idea.created_at DESC, idea.id DESC
LIMIT coalesce(:limit_rows::bigint, 20)
OFFSET coalesce(:offset_rows::bigint, 0);

-- name: count_ideas(user_id, status, title, created_from, created_before)$
-- How many ideas list_ideas has in all its pages.
-- replica: ok
SELECT count(*) AS ideas
FROM ideas.business_ideas AS idea
WHERE
    idea.deleted_at IS NULL
    AND (:user_id::uuid IS NULL OR idea.user_id = :user_id)
    AND (:status::ideas.idea_status IS NULL OR idea.status = :status)
    AND (
        :title::text IS NULL
        OR (
            idea.title_trigrams @> ideas.inner_trigrams(:title)
            AND strpos(lower(idea.title), lower(:title)) > 0
        )
    )
    AND (:created_from::timestamptz IS NULL OR idea.created_at >= :created_from)
    AND (:created_before::timestamptz IS NULL OR idea.created_at < :created_before);

-- name: update_idea(idea_id, title, description, embedding)^
-- Changes what is given of an idea, and leaves what is NULL; no row while the idea is
-- being evaluated, since the agents read it.
-- nullable: title
UPDATE ideas.business_ideas AS idea
SET
    title = coalesce(btrim(:title::text), idea.title),
    description = coalesce(:description::text, idea.description),
    embedding = coalesce(:embedding::public.vector, idea.embedding)
WHERE
    idea.id = :idea_id
    AND idea.deleted_at IS NULL
    AND idea.status IN ('draft', 'completed')
RETURNING
    idea.id,
    idea.user_id,
    idea.title,
    idea.description,
    idea.status,
    idea.created_at,
    idea.updated_at;

-- name: soft_delete_idea(idea_id)!
-- 1 if the idea was alive, and is now deleted with its evaluations and their results.
UPDATE ideas.business_ideas AS idea
SET deleted_at = clock_timestamp()
WHERE
    idea.id = :idea_id
    AND idea.deleted_at IS NULL;

-- name: restore_idea(idea_id)!
-- 1 if the idea was deleted, and is back with all that was deleted at the same moment;
-- refused by business_ideas_user_id_live while its user is deleted.
UPDATE ideas.business_ideas AS idea
SET deleted_at = NULL
WHERE
    idea.id = :idea_id
    AND idea.deleted_at IS NOT NULL;
