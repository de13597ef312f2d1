// The questions that tools and prompts of the suite ask back, and how their answers are read.
import {
  acceptedContent,
  type InputRequest,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";

/** Asks for one string called `field`. */
export function askText(message: string, field: string): InputRequest {
  return inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: { type: "string" } }, required: [field] },
  });
}

export function askYesNo(message: string, field: string): InputRequest {
  return inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: { type: "boolean" } }, required: [field] },
  });
}

export function askModel(words: string, maxTokens: number): InputRequest {
  return inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: words } }],
    maxTokens,
  });
}

/** The string `field` of an accepted answer to the question `key`. */
export function answeredText({ mcpReq }: ServerContext, key: string, field: string): string | undefined {
  return acceptedContent(mcpReq.inputResponses, key, z.looseObject({ [field]: z.string() }))?.[field];
}

/** Whether the question `key` was answered, with an answer of the kind that was asked for. */
export function isAnswered({ mcpReq }: ServerContext, key: string, kind: "elicit" | "sampling" | "roots"): boolean {
  return inputResponse(mcpReq.inputResponses, key).kind === kind;
}
