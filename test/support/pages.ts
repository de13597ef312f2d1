// The Markdown pages of the checkout, taken apart: links, anchors, fenced blocks, tables.
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

/** What others put into a checkout. */
const notOurs = ["**/node_modules", "dist", "coverage", "bench-results.md"];

/** All pages of the checkout, from its root, with slashes. */
export const pagesOf = (root: string): string[] => globSync("**/*.md", { cwd: root, exclude: notOurs }).sort();

export interface Block {
  /** Such as `yaml`; empty when not said. */
  language: string;
  text: string;
  /** Of the block's first line of text, from 1. */
  line: number;
}

interface Fence {
  marks: string;
  language: string;
}
const fenceOf = (line: string): Fence | undefined => {
  const [, marks, language = ""] = /^ {0,3}(`{3,})\s*(\S*)/.exec(line) ?? [];
  return marks === undefined ? undefined : { marks, language };
};
const ends = (fence: Fence | undefined, open: Fence) =>
  fence !== undefined && fence.language === "" && fence.marks.length >= open.marks.length;

/** Fenced blocks, and the page without them. */
function takenApart(source: string): { blocks: Block[]; prose: string[] } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: (Fence & { line: number; lines: string[] }) | undefined;
  for (const [index, line] of source.split("\n").entries()) {
    const fence = fenceOf(line);
    if (!open && fence) open = { ...fence, line: index + 2, lines: [] };
    else if (!open) prose.push(line);
    else if (ends(fence, open)) {
      blocks.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return { blocks, prose };
}

export const blocksOf = (source: string): Block[] => takenApart(source).blocks;

const withoutCode = (text: string) => text.replaceAll(/`+[^`]*`+/g, "");

/** What links and images of a page point to, as written. */
export function linksOf(source: string): string[] {
  const text = withoutCode(takenApart(source).prose.join("\n"));
  return [...text.matchAll(/\]\(\s*<?([^()\s>]+)>?\s*\)/g)].map(([, target = ""]) => target);
}

/** As GitHub makes it of a heading: lower case, no signs but `-` and `_`, blanks as `-`. */
const slug = (heading: string) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation} -]/gu, "")
    .replaceAll(" ", "-");

/** The anchors that a page has: one for each heading, numbered when two are alike. */
export function anchorsOf(source: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = takenApart(source).prose.flatMap((line) => /^#{1,6} +(.*?)(?: +#+)?$/.exec(line)?.[1] ?? []);
  return new Set(
    headings.map(slug).map((anchor) => {
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

const isOutside = (target: string) => /^[a-z][a-z0-9+.-]*:/i.test(target);

/** The page that a link of a page leads to, and the anchor; undefined when it leads out of the checkout. */
export function targetOf(page: string, target: string): { path: string; anchor: string } | undefined {
  if (isOutside(target)) return;
  const [file = "", anchor = ""] = target.split("#");
  return { path: file === "" ? page : posix.join(posix.dirname(page), decodeURIComponent(file)), anchor };
}

/** The text of a file of the checkout; empty for a folder and what is no page, undefined when there is nothing. */
export type Look = (path: string) => string | undefined;

export const lookIn =
  (root: string): Look =>
  (path) => {
    const file = join(root, path);
    if (path.startsWith("..") || !existsSync(file)) return;
    return path.endsWith(".md") ? readFileSync(file, "utf8") : "";
  };

/** What is wrong with a page's links, one line each. */
export function linkProblems(page: string, source: string, look: Look): string[] {
  return linksOf(source).flatMap((link) => {
    const target = targetOf(page, link);
    if (!target) return [];
    const { path, anchor } = target;
    const text = path === page ? source : look(path);
    if (text === undefined) return [`${page}: ${link} leads nowhere`];
    return anchor === "" || anchorsOf(text).has(anchor) ? [] : [`${page}: ${path} has no heading #${anchor}`];
  });
}

/** The page that a path stands for: a folder is its README. */
function pageAt(root: string, path: string): string | undefined {
  const file = join(root, path);
  if (!existsSync(file)) return;
  if (statSync(file).isDirectory()) return pageAt(root, posix.join(path, "README.md"));
  return path.endsWith(".md") ? path : undefined;
}

/** The pages that one comes to from a page by links. */
export function reachableFrom(root: string, start: string): Set<string> {
  const reached = new Set([start]);
  // A set is walked in the order in which it grows.
  for (const page of reached) {
    const targets = linksOf(readFileSync(join(root, page), "utf8")).map((link) => targetOf(page, link)?.path ?? page);
    for (const next of targets.flatMap((path) => pageAt(root, path) ?? [])) reached.add(next);
  }
  return reached;
}

/** The first column of the table below a heading: what stands there as code. */
export function namesInTable(source: string, heading: string): string[] {
  const section = source.split(new RegExp(`^## ${heading}$`, "m"))[1]?.split(/^## /m)[0] ?? "";
  const cells = [...section.matchAll(/^\|([^|]*)\|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}
