// YAML text → plain documents that remember the line of every field, so that a problem can be shown where it was written.
import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from "js-yaml";

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

/** Offsets of all fields of one document, by path. A mapping's field is where its key is. */
function offsets(source: string, events: Event[]): Map<string, number> {
  const found = new Map<string, number>();
  const frames: Frame[] = [];
  const isKey = (event: Event, frame: Frame | undefined) =>
    frame !== undefined && frame.next === undefined && event.type === EVENT_ID.SCALAR;

  const place = (event: Event): Path => {
    const frame = frames.at(-1);
    if (!frame) return [];
    const path = [...frame.path, frame.next ?? ""];
    if (typeof frame.next === "number") {
      found.set(keyOf(path), startOf(event));
      frame.next += 1;
    } else frame.next = undefined;
    return path;
  };

  for (const event of events) {
    const frame = frames.at(-1);
    if (event.type === EVENT_ID.POP) frames.pop();
    else if (event.type === EVENT_ID.SCALAR && frame && isKey(event, frame)) {
      frame.next = getScalarValue(source, event);
      found.set(keyOf([...frame.path, frame.next]), event.valueStart);
    } else if (event.type !== EVENT_ID.DOCUMENT) {
      const path = place(event);
      if (frames.length === 0) found.set(keyOf(path), startOf(event));
      if (event.type === EVENT_ID.MAPPING) frames.push({ path, next: undefined });
      if (event.type === EVENT_ID.SEQUENCE) frames.push({ path, next: 0 });
    }
  }
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
    return { values: constructFromEvents(events, { source }), events };
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
