// A Node program with BullMQ's own package, driven by tests/jobs/test_node.py.
//
//   node interop.mjs add SOCKET PREFIX QUEUE       adds the jobs that stdin lists
//   node interop.mjs work SOCKET PREFIX QUEUE N    does N jobs and prints each
//
// With PGHOST and its kin in the environment, `work` does each job in a transaction with
// its receipt, as docs/jobs.md says, and prints those that were to be done.
//
// What it prints is one JSON document a line.

import { createInterface } from "node:readline";
import { Queue, Worker } from "bullmq";
import pg from "pg";

const [role, socket, prefix, queueName, wanted] = process.argv.slice(2);
const [path, db] = socket.split("?db=");
const connection = { path, db: Number(db), maxRetriesPerRequest: null };

const tell = (document) => console.log(JSON.stringify(document));

if (role === "add") {
  const queue = new Queue(queueName, { connection, prefix });
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, data, options } = JSON.parse(line);
    const job = await queue.add(name, data, options);
    tell({ id: job.id });
  }
  await queue.close();
} else {
  let done = 0;
  const client = process.env.PGHOST ? new pg.Client() : undefined;
  await client?.connect();
  const begin = async (job) => {
    if (!client) return true;
    await client.query("BEGIN");
    const { rows } = await client.query("SELECT core.begin_job($1, $2) AS begun", [
      queueName,
      job.id,
    ]);
    return rows[0].begun;
  };
  const finished = new Promise((resolve) => {
    const worker = new Worker(
      queueName,
      async (job) => {
        const begun = await begin(job);
        if (!begun) return client.query("COMMIT");
        await client?.query("INSERT INTO effects (number, job_id) VALUES ($1, $2)", [
          job.data.number,
          job.id,
        ]);
        tell({
          id: job.id,
          name: job.name,
          data: job.data,
          priority: job.opts.priority ?? 0,
          attempts: job.opts.attempts,
          backoff: job.opts.backoff,
          removeOnComplete: job.opts.removeOnComplete,
          removeOnFail: job.opts.removeOnFail,
        });
        await client?.query("COMMIT");
      },
      { connection, prefix, concurrency: 1 },
    );
    worker.on("completed", () => {
      done += 1;
      if (done === Number(wanted)) resolve(worker);
    });
  });
  const worker = await finished;
  await worker.close();
  await client?.end();
}
