// The container's image, and the partial pod template that users merge over all that anypod makes.
import * as z from "zod";
import * as core from "./core.ts";
import { text, withRules } from "./rule.ts";

/** The name of the MCP server's container in every pod. */
export const serverContainer = "server";

export const image = text(
  "^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$",
  "image must be a container image reference, such as registry.example.com/basket-mcp:1.4.0",
  512,
);

const ownLabels = withRules(z.record(z.string(), z.string().max(63)).meta({ maxProperties: 32 }), {
  cel: "!self.exists(key, key.startsWith('anypod.dev/'))",
  message: "labels under anypod.dev/ are anypod's own: name yours otherwise",
  holds: (labels) => !Object.keys(labels).some((key) => key.startsWith("anypod.dev/")),
});

const templateContainer = z.looseObject({
  name: core.dnsLabel("a container's name"),
  image: image.optional(),
});
const templateContainers = withRules(core.listByKey(templateContainer, "name", 10), {
  cel: "self.size() > 0",
  message: `the server's container can't be removed: leave containers out to keep it as it is, or change it under the name '${serverContainer}'`,
  holds: (containers) => containers.length > 0,
});
export const template = z
  .looseObject({
    metadata: z
      .looseObject({ labels: ownLabels.optional(), annotations: z.record(z.string(), z.string()).optional() })
      .optional(),
    spec: z.looseObject({ containers: templateContainers.optional() }).optional(),
  })
  .describe(
    `A partial PodTemplateSpec merged last, over all that anypod makes: objects merge, lists of named items merge by name, other lists are replaced, null deletes. The MCP server's container is named \`${serverContainer}\`; any other is added beside it.`,
  );

export type Template = z.output<typeof template>;
