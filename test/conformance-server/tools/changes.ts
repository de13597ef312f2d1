// Tools that tell subscribers of a change. The bus is of one process, so with more replicas a subscriber hears of it only
// when the call came to its own replica; the suite warns then, and doesn't fail, for this is a SHOULD.
import { type Tool, text } from "../tool.ts";

export const changeTools: readonly Tool[] = [
  {
    name: "test_trigger_tool_change",
    description: "Says that the list of tools has changed",
    call: (_args, _context, { bus }) => {
      bus.publish({ kind: "tools_list_changed" });
      return text("Tools changed.");
    },
  },
  {
    name: "test_trigger_prompt_change",
    description: "Says that the list of prompts has changed",
    call: (_args, _context, { bus }) => {
      bus.publish({ kind: "prompts_list_changed" });
      return text("Prompts changed.");
    },
  },
];
