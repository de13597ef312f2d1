// Tools that return each kind of content, and one that fails.
import { RED_PIXEL, SILENCE } from "../media.ts";
import { type Tool, text } from "../tool.ts";

const image = { type: "image", data: RED_PIXEL, mimeType: "image/png" } as const;
const audio = { type: "audio", data: SILENCE, mimeType: "audio/wav" } as const;
const embedded = {
  type: "resource",
  resource: {
    uri: "test://embedded-resource",
    mimeType: "text/plain",
    text: "This is an embedded resource content.",
  },
} as const;
const mixed = {
  type: "resource",
  resource: {
    uri: "test://mixed-content-resource",
    mimeType: "application/json",
    text: JSON.stringify({ test: "data", value: 123 }),
  },
} as const;

export const contentTools: readonly Tool[] = [
  {
    name: "test_simple_text",
    description: "Returns text",
    call: () => text("This is a simple text response for testing."),
  },
  { name: "test_image_content", description: "Returns an image", call: () => ({ content: [image] }) },
  { name: "test_audio_content", description: "Returns audio", call: () => ({ content: [audio] }) },
  { name: "test_embedded_resource", description: "Returns a resource", call: () => ({ content: [embedded] }) },
  {
    name: "test_multiple_content_types",
    description: "Returns text, an image and a resource",
    call: () => ({ content: [{ type: "text", text: "Multiple content types test:" }, image, mixed] }),
  },
  {
    name: "test_error_handling",
    description: "Always fails",
    call: () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  },
];
