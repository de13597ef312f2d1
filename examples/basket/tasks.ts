// The Tasks extension (SEP-2663) without a worker: a task is a record in the store, and its status follows from the record
// and the clock. So any pod answers for any task, and none is lost when the pod that made it goes away.
import { randomUUID } from "node:crypto";
import { hasTaskClientCapabilityV2, TASKS_EXTENSION_ID_V2 } from "@modelcontextprotocol/ext-tasks/core/v2";
import {
  type CallToolResult,
  type InputRequests,
  type McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Fields, Store } from "./store.ts";

const LIFETIME_MS = 3_600_000;
const POLL_INTERVAL_MS = 250;

export type Answers = Readonly<Record<string, unknown>>;

/** What a task does at its end: `input` is what the tool gave, `answers` what the client said to the task's questions. */
export type Finish = (input: unknown, answers: Answers) => CallToolResult;

export interface NewTask {
  /** A name in the table given to `openTasks`. Every pod has the same table. */
  readonly kind: string;
  readonly input: unknown;
  /** How long the work takes. */
  readonly milliseconds: number;
  /** Questions to the client; the task waits until each has its answer. */
  readonly questions?: InputRequests;
}

export interface Tasks {
  /** Makes a task that every pod can see, and the result that a tool returns for it. */
  start(task: NewTask): Promise<CallToolResult>;
  /** Adds tasks/get, tasks/update and tasks/cancel to `server`. */
  offer(server: McpServer): void;
}

/** Declares the extension in a server's capabilities. */
export const tasksCapability = { [TASKS_EXTENSION_ID_V2]: {} };

/** Whether the client of this request understands task results. */
export function takesTasks(context: ServerContext): boolean {
  // The SDK lifts the envelope out of the params' _meta; the extension's own check looks for it there.
  return hasTaskClientCapabilityV2({ _meta: context.mcpReq.envelope });
}

/** Throws -32021 when the client of this request doesn't declare the extension. */
export function requireTasks(context: ServerContext): void {
  if (takesTasks(context)) return;
  throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: tasksCapability } });
}

export function openTasks(store: Store, kinds: Readonly<Record<string, Finish>>, now: () => number = Date.now): Tasks {
  const find = async (taskId: string): Promise<Task> => {
    const fields = await store.read(recordKey(taskId));
    if (fields === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Task not found");
    return readTask(taskId, fields);
  };
  return {
    start: async ({ kind, input, milliseconds, questions = {} }) => {
      const taskId = randomUUID();
      const createdAt = now();
      const fields = writeTask({ kind, input, questions, createdAt, readyAt: createdAt + milliseconds });
      await store.create(recordKey(taskId), fields, LIFETIME_MS);
      // McpServer asks every tool result for `content`; clients of the extension look at the other fields.
      return { resultType: "task", content: [], ...summary(readTask(taskId, fields), createdAt) };
    },
    offer: ({ server }) => {
      const target = z.looseObject({ taskId: z.string() });
      server.setRequestHandler("tasks/get", { params: target }, async ({ taskId }, context) => {
        requireTasks(context);
        const task = await find(taskId);
        return { ...summary(task, now()), ...details(task, kinds[task.kind], now()) };
      });
      const update = target.extend({ inputResponses: z.record(z.string(), z.unknown()).default({}) });
      server.setRequestHandler("tasks/update", { params: update }, async ({ taskId, inputResponses }, context) => {
        requireTasks(context);
        const task = await find(taskId);
        const awaited = pending(task);
        // The SDK lifts inputResponses out of the params of every method; an extension's arrive through the context.
        const given = Object.entries(context.mcpReq.inputResponses ?? inputResponses).filter(
          ([name]) => name in awaited,
        );
        if (given.length > 0 && status(task, now()) === "input_required") {
          const answers = given.map(([name, answer]) => [`${ANSWER}${name}`, JSON.stringify(answer)]);
          await store.merge(recordKey(taskId), { ...Object.fromEntries(answers), changedAt: String(now()) });
        }
        return {};
      });
      server.setRequestHandler("tasks/cancel", { params: target }, async ({ taskId }, context) => {
        requireTasks(context);
        const state = status(await find(taskId), now());
        const moment = String(now());
        if (state === "working" || state === "input_required")
          await store.merge(recordKey(taskId), { cancelledAt: moment, changedAt: moment });
        return {};
      });
    },
  };
}

type Status = "working" | "input_required" | "cancelled" | "done";

interface NewRecord {
  readonly kind: string;
  readonly input: unknown;
  readonly questions: InputRequests;
  readonly createdAt: number;
  readonly readyAt: number;
}

interface Task extends NewRecord {
  readonly taskId: string;
  readonly answers: Answers;
  readonly changedAt: number;
  readonly isCancelled: boolean;
}

const ANSWER = "answer:";
const recordKey = (taskId: string) => `task:${taskId}`;

function writeTask({ kind, input, questions, createdAt, readyAt }: NewRecord): Fields {
  const json = { input: JSON.stringify(input ?? null), questions: JSON.stringify(questions) };
  return { kind, ...json, createdAt: String(createdAt), readyAt: String(readyAt), changedAt: String(createdAt) };
}

function readTask(taskId: string, fields: Fields): Task {
  const answers = Object.entries(fields).filter(([name]) => name.startsWith(ANSWER));
  return {
    taskId,
    kind: fields.kind ?? "",
    input: JSON.parse(fields.input ?? "null"),
    questions: JSON.parse(fields.questions ?? "{}"),
    answers: Object.fromEntries(answers.map(([name, json]) => [name.slice(ANSWER.length), JSON.parse(json)])),
    createdAt: Number(fields.createdAt),
    readyAt: Number(fields.readyAt),
    changedAt: Number(fields.changedAt),
    isCancelled: "cancelledAt" in fields,
  };
}

function pending({ questions, answers }: Task): InputRequests {
  return Object.fromEntries(Object.entries(questions).filter(([name]) => !(name in answers)));
}

function status(task: Task, now: number): Status {
  if (task.isCancelled) return "cancelled";
  if (Object.keys(pending(task)).length > 0) return "input_required";
  return now < task.readyAt ? "working" : "done";
}

function summary(task: Task, now: number) {
  const state = status(task, now);
  const updatedAt = state === "done" ? Math.max(task.changedAt, task.readyAt) : task.changedAt;
  return {
    taskId: task.taskId,
    status: state === "done" ? "completed" : state,
    createdAt: new Date(task.createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs: LIFETIME_MS,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

/** What tasks/get adds to the summary. A protocol error from `finish` makes the task failed; a tool's error is a result. */
function details(task: Task, finish: Finish | undefined, now: number) {
  const state = status(task, now);
  if (state === "input_required") return { inputRequests: pending(task) };
  if (state !== "done") return {};
  try {
    if (finish === undefined) throw new ProtocolError(ProtocolErrorCode.InternalError, "Unknown kind of task");
    return { result: { resultType: "complete", ...finish(task.input, task.answers) } };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: "failed", error: { code: error.code, message: error.message } };
  }
}
