// The pages are true as far as a program can tell: links lead somewhere, every page is found, examples are accepted, and
// scripts exist.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dump, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { parseFile } from "../../operator/api/parse.ts";
import {
  anchorsOf,
  blocksOf,
  linkProblems,
  linksOf,
  lookIn,
  pagesOf,
  reachableFrom,
  targetOf,
} from "../support/pages.ts";
import { root } from "../support/processes.ts";

const pages = pagesOf(root);
const read = (page: string) => readFileSync(join(root, page), "utf8");

type Document = { kind?: string; spec?: Record<string, unknown> } & Record<string, unknown>;

/** What the example of a part leaves out, as the page has said it before. */
function completed({ image = "registry.example.com/basket-mcp:1.4.0", routing, ...spec }: Record<string, unknown>) {
  const way = routing as { gateway?: unknown; ingress?: unknown } | undefined;
  const hasWay = way?.gateway !== undefined || way?.ingress !== undefined;
  const whole = { ...(hasWay ? {} : { gateway: { parentRefs: [{ name: "public" }] } }), ...way };
  return { image, ...spec, ...(way && { routing: whole }) };
}

/** A block that has nothing but a spec is the part of an McpServer that the page is about. */
const asServer = (document: Document): Document =>
  Object.keys(document).join() === "spec"
    ? {
        apiVersion: "anypod.dev/v1alpha1",
        kind: "McpServer",
        metadata: { name: "basket" },
        spec: completed(document.spec ?? {}),
      }
    : document;

/** YAML that a page shows, or gives a command to read. */
const yamlIn = (source: string) =>
  blocksOf(source).flatMap(({ language, text, line }) => {
    if (language === "yaml") return [{ text, line }];
    return [...text.matchAll(/<<-?\s*'?EOF'?\n([\s\S]*?)\n\s*EOF/g)].map(([, inner = ""]) => ({ text: inner, line }));
  });

const exampleProblems = (page: string, source: string): string[] =>
  yamlIn(source).flatMap(({ text, line }) => {
    const documents = loadAll(text) as Document[];
    return documents
      .map(asServer)
      .flatMap((document) => parseFile(`${page}, block at`, dump(document), "default").errors)
      .map((error) => error.replace(/:\d+ /, ` ${line}: `));
  });

describe("in the pages", () => {
  test("there are pages", () => {
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/README.md", "docs/reference.md"]));
  });

  test("every relative link and every anchor leads somewhere", () => {
    const problems = pages.flatMap((page) => linkProblems(page, read(page), lookIn(root)));
    expect(problems).toEqual([]);
  });

  test("every page is reached from the README", () => {
    const reached = reachableFrom(root, "README.md");
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });

  test("every page of docs/ is reached from docs/README.md without the README", () => {
    const linked = linksOf(read("docs/README.md")).map((link) => targetOf("docs/README.md", link)?.path);
    const own = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md");
    expect(own.filter((page) => !linked.includes(page))).toEqual([]);
  });

  test("every McpServer is one that render accepts", () => {
    expect(pages.flatMap((page) => exampleProblems(page, read(page)))).toEqual([]);
    expect(pages.flatMap((page) => yamlIn(read(page))).length).toBeGreaterThan(15);
  });

  test("every npm script that is named exists", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = (source: string) => [...source.matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, name = ""]) => name);
    expect(pages.flatMap((page) => named(read(page)).filter((name) => !(name in scripts)))).toEqual([]);
  });

  test("every picture has words for those who can't see it", () => {
    const images = (source: string) => [...source.matchAll(/!\[([^\]]*)\]/g)].map(([, words = ""]) => words);
    expect(pages.flatMap((page) => images(read(page))).filter((words) => words.length < 20)).toEqual([]);
  });
});

describe("a page's problem is found:", () => {
  test.each([
    ["a page that isn't there", "[x](missing.md)", ["docs/page.md: missing.md leads nowhere"]],
    ["a page outside of the checkout", "[x](../../a.md)", ["docs/page.md: ../../a.md leads nowhere"]],
    ["a heading that isn't there", "# A\n[x](#a), [x](#b)", ["docs/page.md: docs/page.md has no heading #b"]],
    [
      "a heading that another page hasn't",
      "[x](reference.md#spec-x)",
      ["docs/page.md: docs/reference.md has no heading #spec-x"],
    ],
    ["none in links that are right", "[x](reference.md#spec) [y](../crds) ![z](../README.md)", []],
    ["none in other sites and in code", "[x](https://a.b/#c) `[x](gone.md)`\n```\n[x](gone.md)\n```", []],
  ])("%s", (_, source, problems) => {
    expect(linkProblems("docs/page.md", source, lookIn(root))).toEqual(problems);
  });

  test("an unknown field, in a whole McpServer, in a part and in a command", () => {
    const head = "apiVersion: anypod.dev/v1alpha1\nkind: McpServer\nmetadata: {name: a}\n";
    const whole = `${head}spec: {image: a, nope: 1}`;
    const wrong = (block: string) => exampleProblems("p.md", block);
    expect(wrong(`\`\`\`yaml\n${whole}\n\`\`\``)).toEqual([expect.stringMatching(/^p\.md, block at 2: spec\.nope/)]);
    expect(wrong("text\n```yaml\nspec: {routing: {nope: 1}}\n```")).toHaveLength(1);
    expect(wrong(`\`\`\`sh\nkubectl apply -f - <<EOF\n${whole}\nEOF\n\`\`\``)).toHaveLength(1);
    expect(wrong("```yaml\nspec: {replicas: 2}\n---\nkind: Other\nspec: {nope: 1}\n```")).toEqual([]);
  });

  test.each([
    ["## A canary", "a-canary"],
    ["## `requestState`: one key ring", "requeststate-one-key-ring"],
    ["### Time limits, rate limits, web pages", "time-limits-rate-limits-web-pages"],
  ])("anchors are those of GitHub: %s", (heading, anchor) => {
    expect([...anchorsOf(heading)]).toEqual([anchor]);
    expect([...anchorsOf(`${heading}\n\n${heading}`)]).toEqual([anchor, `${anchor}-1`]);
  });
});
