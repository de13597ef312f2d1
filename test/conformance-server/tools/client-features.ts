// Tools that need a feature of the client: sampling or elicitation. The SDK answers -32021 when the client doesn't declare it.
import { type InputRequest, inputRequired, inputResponse } from "@modelcontextprotocol/server";
import * as z from "zod";
import { askModel, askText } from "../questions.ts";
import { type Args, type Tool, text } from "../tool.ts";

/** A tool that asks one question and says what came back. */
function asking(name: string, description: string, ask: (args: Args) => InputRequest): Tool {
  return {
    name,
    description,
    inputSchema: z.looseObject({ prompt: z.string().optional(), message: z.string().optional() }),
    call: (args, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, "question");
      if (answer.kind === "missing") return inputRequired({ inputRequests: { question: ask(args) } });
      if (answer.kind !== "elicit") return text(`LLM response: ${JSON.stringify(answer)}`);
      return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
    },
  };
}

const options = ["option1", "option2", "option3"];
const titled = [
  { const: "value1", title: "First Option" },
  { const: "value2", title: "Second Option" },
  { const: "value3", title: "Third Option" },
];

export const clientFeatureTools: readonly Tool[] = [
  asking("test_missing_capability", "Needs sampling", () => askModel("Say hello", 10)),
  asking("test_sampling", "Needs sampling", ({ prompt }) => askModel(String(prompt ?? "Say hello"), 100)),
  asking("test_streaming_elicitation", "Needs elicitation", () => askText("What is your name?", "name")),
  asking("test_elicitation", "Needs elicitation", ({ message }) => askText(String(message ?? "Who?"), "response")),
  asking("test_elicitation_sep1034_defaults", "Asks for values with defaults", () =>
    inputRequired.elicit({
      message: "Please review the defaults",
      requestedSchema: {
        type: "object",
        properties: {
          name: { type: "string", default: "John Doe" },
          age: { type: "integer", default: 30 },
          score: { type: "number", default: 95.5 },
          status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
          verified: { type: "boolean", default: true },
        },
      },
    }),
  ),
  asking("test_elicitation_sep1330_enums", "Asks with each kind of choice", () =>
    inputRequired.elicit({
      message: "Please choose",
      requestedSchema: {
        type: "object",
        properties: {
          untitledSingle: { type: "string", enum: options },
          titledSingle: { type: "string", oneOf: titled },
          legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["One", "Two", "Three"] },
          untitledMulti: { type: "array", items: { type: "string", enum: options } },
          titledMulti: { type: "array", items: { anyOf: titled } },
        },
      },
    }),
  ),
];
