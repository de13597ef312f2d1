// YAML text → plain documents that remember the line of every field, so that a problem can be shown where it was written.
import {
  boolYaml11Tag,
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  intCoreTag,
  intYaml11Tag,
  mergeTag,
  NOT_RESOLVED,
  parseEvents,
  type ScalarEvent,
  YAMLException,
} from "js-yaml";

export type Path = readonly PropertyKey[];

export interface YamlDocument {
  value: unknown;
  /** Line (from 1) of the field at `path`, or of its nearest ancestor that was written. */
  lineOf: (path: Path) => number;
}

/** A syntax error and the line that it is in. */
export class YamlError extends Error {
  readonly line: number;
  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** Numbers as kubectl reads them: 0777 and 0o777 are octal, 1_000 is a thousand, and 12:30 is text. */
const intTag: typeof intYaml11Tag = {
  ...intYaml11Tag,
  resolve: (source, ...rest) => {
    const old = source.includes(":") ? NOT_RESOLVED : intYaml11Tag.resolve(source, ...rest);
    return old === NOT_RESOLVED ? intCoreTag.resolve(source, ...rest) : old;
  },
};
/** What kubectl makes of plain text: `yes`, `on` and `n` are booleans, as in YAML 1.1. */
const schema = CORE_SCHEMA.withTags(boolYaml11Tag, intTag, mergeTag);

const keyOf = (path: Path) => JSON.stringify(path);

interface Frame {
  path: Path;
  /** In a mapping: the key whose value comes next; in a sequence: the index of the next item. */
  next: string | number | undefined;
}

const startOf = (event: Event): number => {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  return "start" in event ? event.start : -1;
};

/** Walks one document's events and notes where each field is. A mapping's field is where its key is. */
function createWalker(source: string) {
  const found = new Map<string, number>();
  const frames: Frame[] = [];

  /** The path of a value that begins here; its frame moves on. */
  function place(event: Event): Path {
    const frame = frames.at(-1);
    if (!frame) {
      found.set(keyOf([]), startOf(event));
      return [];
    }
    const path = [...frame.path, frame.next ?? ""];
    if (typeof frame.next === "number") {
      found.set(keyOf(path), startOf(event));
      frame.next += 1;
    } else frame.next = undefined;
    return path;
  }

  function scalar(event: ScalarEvent): void {
    const frame = frames.at(-1);
    if (!frame || frame.next !== undefined) return void place(event);
    frame.next = getScalarValue(source, event);
    found.set(keyOf([...frame.path, frame.next]), event.valueStart);
  }

  const visit: Partial<Record<Event["type"], (event: Event) => void>> = {
    [EVENT_ID.POP]: () => void frames.pop(),
    [EVENT_ID.SCALAR]: (event) => scalar(event as ScalarEvent),
    [EVENT_ID.ALIAS]: (event) => void place(event),
    [EVENT_ID.MAPPING]: (event) => void frames.push({ path: place(event), next: undefined }),
    [EVENT_ID.SEQUENCE]: (event) => void frames.push({ path: place(event), next: 0 }),
  };
  return { found, visit: (event: Event) => visit[event.type]?.(event) };
}

/** Offsets of all fields of one document, by path. */
function offsets(source: string, events: Event[]): Map<string, number> {
  const { found, visit } = createWalker(source);
  for (const event of events) visit(event);
  return found;
}

/** Splits the event stream of a file into one stream a document. */
function split(events: Event[]): Event[][] {
  const starts = events.flatMap((event, index) => (event.type === EVENT_ID.DOCUMENT ? [index] : []));
  return starts.map((start, index) => events.slice(start, starts[index + 1]));
}

function parse(source: string): { values: unknown[]; events: Event[] } {
  try {
    const events = parseEvents(source, {});
    return { values: constructFromEvents(events, { source, schema }), events };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new YamlError((error.mark?.line ?? 0) + 1, error.reason);
  }
}

/**
 * Parses all documents of a YAML or JSON text; empty documents are left out.
 * @throws YamlError when the text is not YAML
 */
export function parseYaml(source: string): YamlDocument[] {
  const { values, events } = parse(source);
  const lineAt = (offset: number) => source.slice(0, Math.max(offset, 0)).split("\n").length;
  return split(events).flatMap((stream, index) => {
    const value = values[index];
    if (value === undefined || value === null) return [];
    const found = offsets(source, stream);
    const lineOf = (path: Path): number => {
      const offset = found.get(keyOf(path));
      return offset === undefined && path.length > 0 ? lineOf(path.slice(0, -1)) : lineAt(offset ?? 0);
    };
    return [{ value, lineOf }];
  });
}
