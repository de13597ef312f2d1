// Tools of the tasks scenarios (SEP-2663): tasks that succeed, fail, ask, and one plain tool beside them.
import { setTimeout as sleep } from "node:timers/promises";
import { inputRequired, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type Finish, requireTasks, takesTasks } from "../../../examples/basket/tasks.ts";
import { answeredText, askText, askYesNo } from "../questions.ts";
import { type Tool, text } from "../tool.ts";

const computation = z.object({ seconds: z.number().min(0).max(3600), label: z.string().default("") });

/** What each kind of task is at its end. */
export const taskKinds: Readonly<Record<string, Finish>> = {
  compute: (input) => text(`Computed ${computation.parse(input).label}`),
  fail: () => ({ ...text("This job failed"), isError: true }),
  protocolError: () => {
    throw new ProtocolError(ProtocolErrorCode.InternalError, "This job broke the protocol");
  },
  delete: (input, answers) => text(`Delete ${String(input)}: ${JSON.stringify(answers.confirm)}`),
  collect: (_input, answers) => text(`Collected ${Object.keys(answers).join(" and ")}`),
  greet: (input) => text(`Hello, ${String(input)}!`),
};

export const taskTools: readonly Tool[] = [
  {
    name: "greet",
    description: "Greets at once",
    inputSchema: z.object({ name: z.string() }),
    call: ({ name }) => text(`Hello, ${String(name)}!`),
  },
  {
    name: "slow_compute",
    description: "Takes some seconds: a task for clients that take tasks",
    inputSchema: computation,
    call: async (args, context, { tasks }) => {
      const { seconds, label } = computation.parse(args);
      const milliseconds = seconds * 1000;
      if (takesTasks(context)) return tasks.start({ kind: "compute", input: args, milliseconds });
      await sleep(milliseconds, undefined, { signal: context.mcpReq.signal });
      return text(`Computed ${label}`);
    },
  },
  {
    name: "failing_job",
    description: "A task whose tool fails",
    call: (_args, context, { tasks }) => {
      requireTasks(context);
      return tasks.start({ kind: "fail", input: null, milliseconds: 100 });
    },
  },
  {
    name: "protocol_error_job",
    description: "A task that ends with a protocol error",
    call: (_args, context, { tasks }) => {
      requireTasks(context);
      return tasks.start({ kind: "protocolError", input: null, milliseconds: 100 });
    },
  },
  {
    name: "confirm_delete",
    description: "A task that waits for a confirmation",
    inputSchema: z.object({ filename: z.string() }),
    call: ({ filename }, context, { tasks }) => {
      requireTasks(context);
      const questions = { confirm: askYesNo(`Delete ${String(filename)}?`, "confirm") };
      return tasks.start({ kind: "delete", input: filename, milliseconds: 0, questions });
    },
  },
  {
    name: "multi_input",
    description: "A task that waits for two answers",
    call: (_args, context, { tasks }) => {
      requireTasks(context);
      const questions = { first: askText("First name?", "name"), second: askText("Second name?", "name") };
      return tasks.start({ kind: "collect", input: null, milliseconds: 0, questions });
    },
  },
  {
    name: "test_tool_with_task",
    description: "Asks for a name first (MRTR) and becomes a task then",
    call: async (_args, context, { tasks, ring }) => {
      requireTasks(context);
      const name = answeredText(context, "user_name", "name");
      if (name !== undefined) return tasks.start({ kind: "greet", input: name, milliseconds: 100 });
      return inputRequired({
        inputRequests: { user_name: askText("What is your name?", "name") },
        requestState: await ring.mint({ round: 1 }),
      });
    },
  },
];
