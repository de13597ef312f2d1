// Tools that ask back (MRTR, SEP-2322): one round, several rounds, with and without sealed state.
import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequests,
  inputRequired,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { answeredText, askModel, askText, askYesNo, isAnswered } from "../questions.ts";
import { type Tool, text } from "../tool.ts";

const round = z.object({ round: z.number(), name: z.string().optional() });

/** A tool that asks for a yes with sealed state, and wants that state back: the SDK refuses a seal that isn't ours. */
function sealedConfirmation(name: string, description: string): Tool {
  return {
    name,
    description,
    call: async (_args, context, { ring }) => {
      const state = round.safeParse(context.mcpReq.requestState());
      if (state.success && isAnswered(context, "confirm", "elicit")) return text("state-ok");
      return inputRequired({
        inputRequests: { confirm: askYesNo("Please confirm", "ok") },
        requestState: await ring.mint({ round: 1 }),
      });
    },
  };
}

export const inputRequiredTools: readonly Tool[] = [
  {
    name: "test_input_required_result_elicitation",
    description: "Asks the user for a name",
    call: (_args, context) => {
      const name = answeredText(context, "user_name", "name");
      if (name !== undefined) return text(`Hello, ${name}!`);
      return inputRequired({ inputRequests: { user_name: askText("What is your name?", "name") } });
    },
  },
  {
    name: "test_input_required_result_sampling",
    description: "Asks the client's model a question",
    call: (_args, context) => {
      if (isAnswered(context, "capital_question", "sampling")) return text("The model has answered.");
      return inputRequired({ inputRequests: { capital_question: askModel("What is the capital of France?", 100) } });
    },
  },
  {
    name: "test_input_required_result_list_roots",
    description: "Asks for the client's roots",
    call: (_args, context) => {
      if (isAnswered(context, "client_roots", "roots")) return text("The client has told its roots.");
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    },
  },
  sealedConfirmation("test_input_required_result_request_state", "Asks for a confirmation and seals its state"),
  sealedConfirmation("test_input_required_result_tampered_state", "Asks for a confirmation and refuses a broken seal"),
  {
    name: "test_input_required_result_multiple_inputs",
    description: "Asks three things at once",
    call: async (_args, context, { ring }) => {
      const isComplete =
        isAnswered(context, "user_name", "elicit") &&
        isAnswered(context, "greeting", "sampling") &&
        isAnswered(context, "client_roots", "roots");
      if (isComplete) return text("All three are answered.");
      return inputRequired({
        inputRequests: {
          user_name: askText("What is your name?", "name"),
          greeting: askModel("Generate a greeting", 50),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await ring.mint({ round: 1 }),
      });
    },
  },
  {
    name: "test_input_required_result_multi_round",
    description: "Asks for a name, then for a color",
    call: async (_args, context, { ring }) => {
      const state = round.safeParse(context.mcpReq.requestState()).data ?? { round: 0 };
      const color = answeredText(context, "step2", "color");
      if (state.round === 2 && color !== undefined) return text(`${state.name ?? ""} likes ${color}.`);
      const name = answeredText(context, "step1", "name");
      if (state.round === 1 && name !== undefined) {
        return inputRequired({
          inputRequests: { step2: askText("Step 2: What is your favorite color?", "color") },
          requestState: await ring.mint({ round: 2, name }),
        });
      }
      return inputRequired({
        inputRequests: { step1: askText("Step 1: What is your name?", "name") },
        requestState: await ring.mint({ round: 1 }),
      });
    },
  },
  {
    name: "test_input_required_result_capabilities",
    description: "Asks only what the client declares that it can answer",
    call: (_args, context) => {
      const possible: InputRequests = {
        ...(declares(context, "elicitation") && { user_name: askText("What is your name?", "name") }),
        ...(declares(context, "sampling") && { greeting: askModel("Generate a greeting", 50) }),
      };
      return Object.keys(possible).length > 0 ? inputRequired({ inputRequests: possible }) : text("Nothing to ask.");
    },
  },
];

function declares({ mcpReq }: ServerContext, capability: "elicitation" | "sampling"): boolean {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const declared = z.looseObject({ [capability]: z.looseObject({}) });
  return declared.safeParse(envelope[CLIENT_CAPABILITIES_META_KEY]).success;
}
