// The prompts that the suite gets.
import { completable, type GetPromptResult, inputRequired, type McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { RED_PIXEL } from "./media.ts";
import { answeredText, askText } from "./questions.ts";

type Content = GetPromptResult["messages"][number]["content"];

const says = (...contents: Content[]): GetPromptResult => ({
  messages: contents.map((content) => ({ role: "user", content })),
});
const text = (words: string): Content => ({ type: "text", text: words });

export function offerPrompts(mcp: McpServer): void {
  mcp.registerPrompt("test_simple_prompt", { description: "A prompt without arguments" }, () =>
    says(text("This is a simple prompt for testing.")),
  );

  const argument = completable(z.string(), (start) => ["test", "testing"].filter((word) => word.startsWith(start)));
  mcp.registerPrompt(
    "test_prompt_with_arguments",
    { description: "A prompt with arguments", argsSchema: z.object({ arg1: argument, arg2: z.string() }) },
    ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );

  mcp.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "A prompt with a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => {
      const resource = {
        uri: resourceUri,
        mimeType: "text/plain",
        text: "Embedded resource content for testing.",
      };
      return says({ type: "resource", resource }, text("Please process the embedded resource above."));
    },
  );

  mcp.registerPrompt("test_prompt_with_image", { description: "A prompt with an image" }, () =>
    says({ type: "image", data: RED_PIXEL, mimeType: "image/png" }, text("Please analyze the image above.")),
  );

  mcp.registerPrompt("test_input_required_result_prompt", { description: "A prompt that asks back" }, (context) => {
    const answer = answeredText(context, "user_context", "context");
    if (answer !== undefined) return says(text(`Use this context: ${answer}`));
    return inputRequired({
      inputRequests: { user_context: askText("What context should the prompt use?", "context") },
    });
  });
}
