// What may stand in the metadata of an McpServer in a file. The CRD has only the rule about the name: the API server checks
// the rest by itself, the same way for every kind.
import * as z from "zod";
import { dnsLabel } from "./core.ts";
import { nameRule } from "./mcpserver.ts";
import { withRules } from "./rule.ts";

const namePattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const domainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether the text is `name` or `domain/name`. */
function isQualifiedName(text: string): boolean {
  const [name = "", domain, ...more] = text.split("/").reverse();
  const inDomain = domain === undefined || (domain.length <= 253 && domainPattern.test(domain));
  return namePattern.test(name) && inDomain && more.length === 0;
}

const notKey =
  "a key is letters, digits, '-', '_' and '.', 63 at most, with or without a domain before it: example.com/team";
const notValue =
  "a label's value is letters, digits, '-', '_' and '.', 63 at most, beginning and ending with a letter or digit";

/** To the API server, null is the empty text here. */
const textOrNull = z
  .string()
  .nullable()
  .transform((value) => value ?? "");

/** Texts by key. `problem` tells what is wrong with an entry. */
const texts = (problem: (key: string, value: string) => string | undefined) =>
  z.record(z.string(), textOrNull).superRefine((entries, context) => {
    for (const [key, value] of Object.entries(entries)) {
      const message = problem(key, value);
      if (message) context.addIssue({ code: "custom", path: [key], message });
    }
  });

const labels = texts((key, value) => {
  if (!isQualifiedName(key)) return notKey;
  return value === "" || namePattern.test(value) ? undefined : notValue;
});

/** Of all annotations together, in bytes. */
const maxAnnotations = 256 * 1024;
const sizeOf = (entries: Record<string, string>) =>
  Object.entries(entries).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);

const annotations = texts((key) => (isQualifiedName(key.toLowerCase()) ? undefined : notKey)).refine(
  (entries) => sizeOf(entries) <= maxAnnotations,
  "annotations are longer than 256 KiB together: keep such data elsewhere",
);

/** What only the API server and controllers write, and `kubectl get -o yaml` shows. */
const ofTheServer = [
  ...["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"],
  ...["deletionGracePeriodSeconds", "selfLink", "managedFields", "ownerReferences"],
];

export const metadata = z.strictObject({
  name: withRules(z.string(), nameRule),
  namespace: dnsLabel("a namespace").optional(),
  generateName: z.undefined({ message: "generateName can't be rendered: write name" }).optional(),
  labels: labels.nullish(),
  annotations: annotations.nullish(),
  finalizers: z.array(z.string()).nullish(),
  ...Object.fromEntries(ofTheServer.map((name) => [name, z.unknown().optional()])),
});
