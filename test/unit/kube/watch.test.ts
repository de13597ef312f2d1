// The watch's state machine against a server that speaks its protocol, and breaks it.
import { describe, expect, test } from "vitest";
import { ApiError } from "../../../operator/kube/errors.ts";
import { follow, type Sink, type Source } from "../../../operator/kube/watch.ts";
import {
  type Answer,
  bookmark,
  event,
  type FakeApiServer,
  failure,
  fakeApiServer,
  list,
  object,
  stream,
} from "../../support/api-server.ts";
import { eventually } from "../../support/wait.ts";

interface Following extends FakeApiServer {
  /** What the sink heard, in short. */
  heard: string[];
  errors: unknown[];
  ended: Promise<void>;
  abort(): void;
}

type Finish = (end: () => Promise<void>) => void;

async function following(
  finish: Finish,
  answers: Answer[],
  options: Partial<Source> & { otherwise?: Answer } = {},
): Promise<Following> {
  const { otherwise, ...source } = options;
  const server = await fakeApiServer(answers, otherwise);
  const heard: string[] = [];
  const errors: unknown[] = [];
  const name = ({ metadata }: { metadata: { name: string } }) => metadata.name;
  const sink: Sink = {
    listed: (present) => heard.push(["listed", ...present].join(" ")),
    absent: () => heard.push("absent"),
    set: (value) => heard.push(`set ${name(value)}`),
    remove: (value) => heard.push(`remove ${name(value)}`),
    failed: (error) => errors.push(error),
  };
  const stop = new AbortController();
  const ended = follow(server.client, { path: "/api/v1/things", ...source }, sink, stop.signal);
  const all = { ...server, heard, errors, ended, abort: () => stop.abort() };
  finish(async () => {
    stop.abort();
    await ended;
    await server.stop();
  });
  return all;
}

const query = ({ url }: { url: URL }) => Object.fromEntries(url.searchParams);
const versions = ({ calls }: Following) =>
  calls.map((call) => (query(call).watch ? `watch ${query(call).resourceVersion}` : "list"));

// Side by side, as most of them wait for a backoff.
describe.concurrent("following a kind", () => {
  test("lists, says what there is, and watches from the list's version", async ({ onTestFinished }) => {
    const { calls, called, heard } = await following(
      onTestFinished,
      [list([object("a", "1"), object("b", "2")], "10")],
      {
        labelSelector: "x=y",
      },
    );
    await called(2);
    expect(heard).toEqual(["set a", "set b", "listed shop/a shop/b"]);
    expect(calls[0]?.url.pathname).toBe("/api/v1/things");
    expect(query(calls[0]!)).toEqual({ labelSelector: "x=y", limit: "100" });
    expect(query(calls[1]!)).toMatchObject({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "10",
      labelSelector: "x=y",
    });
    expect(Number(query(calls[1]!).timeoutSeconds)).toBeGreaterThanOrEqual(270);
  });

  test("reads a list in pages and says what there is once all are there", async ({ onTestFinished }) => {
    const { calls, called, heard } = await following(onTestFinished, [
      list([object("a", "1")], "10", "next"),
      list([object("b", "2")], "10"),
    ]);
    await called(3);
    expect(query(calls[1]!)).toEqual({ limit: "100", continue: "next" });
    expect(heard).toEqual(["set a", "set b", "listed shop/a shop/b"]);
  });

  test("takes a list whose items are null as empty", async ({ onTestFinished }) => {
    const { called, heard } = await following(onTestFinished, [list(null, "10")]);
    await called(2);
    expect(heard).toEqual(["listed"]);
  });

  test("asks for metadata alone where that is enough", async ({ onTestFinished }) => {
    const { calls, called } = await following(onTestFinished, [list([], "10")], { metadataOnly: true });
    await called(2);
    expect(calls.map(({ headers }) => headers.accept)).toEqual([
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]);
  });

  test("hands on what is added, changed and deleted, in order", async ({ onTestFinished }) => {
    const { heard } = await following(onTestFinished, [
      list([], "10"),
      stream([
        event("ADDED", object("a", "11")),
        event("MODIFIED", object("a", "12")),
        event("DELETED", object("a", "13")),
      ]),
    ]);
    await eventually("all is heard", () => heard.length === 4);
    expect(heard).toEqual(["listed", "set a", "set a", "remove a"]);
  });

  test("understands events that come in pieces, and characters cut in two", async ({ onTestFinished }) => {
    const line = Buffer.from(`${JSON.stringify(event("ADDED", object("wétter", "11")))}\n`);
    const cut = line.indexOf("é") + 1;
    const { heard } = await following(onTestFinished, [
      list([], "10"),
      (response) => {
        response.writeHead(200);
        response.write(line.subarray(0, cut), () => setImmediate(() => response.write(line.subarray(cut))));
      },
    ]);
    await eventually("it is heard", () => heard.length === 2);
    expect(heard).toEqual(["listed", "set wétter"]);
  });

  test("goes on from the last bookmark when the stream ends, without a list", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [
      list([], "10"),
      stream([event("ADDED", object("a", "11")), bookmark("20")], "end"),
    ]);
    await all.called(3);
    expect(versions(all)).toEqual(["list", "watch 10", "watch 20"]);
    expect(all.errors).toEqual([]);
  });

  test("goes on from the last event when the stream breaks", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [list([], "10"), stream([event("ADDED", object("a", "11"))], "break")]);
    await all.called(3);
    expect(versions(all)).toEqual(["list", "watch 10", "watch 11"]);
  });

  test("drops what was cut mid-line, and hears it again", async ({ onTestFinished }) => {
    const again = JSON.stringify(event("ADDED", object("b", "12")));
    const all = await following(onTestFinished, [
      list([], "10"),
      stream([event("ADDED", object("a", "11"))], { cut: again.slice(0, 30) }),
      stream([again]),
    ]);
    await eventually("b is heard", () => all.heard.includes("set b"));
    expect(versions(all)).toEqual(["list", "watch 10", "watch 11"]);
    expect(all.heard).toEqual(["listed", "set a", "set b"]);
  });

  test("goes on from the last version after a line that is no JSON, without a list", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [
      list([], "10"),
      stream([event("ADDED", object("a", "11")), "{broken"]),
    ]);
    await all.called(3);
    expect(versions(all)).toEqual(["list", "watch 10", "watch 11"]);
    expect(all.errors).toHaveLength(1);
  });

  test("lists again when its version is gone, told by status", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [
      list([object("a", "1")], "10"),
      failure(410, "Expired"),
      list([object("b", "2")], "30"),
    ]);
    await all.called(4);
    expect(versions(all)).toEqual(["list", "watch 10", "list", "watch 30"]);
    expect(all.heard).toEqual(["set a", "listed shop/a", "set b", "listed shop/b"]);
  });

  test("lists again when its version is gone, told by an event", async ({ onTestFinished }) => {
    const gone = event("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
    const all = await following(onTestFinished, [list([], "10"), stream([gone]), list([], "30")]);
    await all.called(4);
    expect(versions(all)).toEqual(["list", "watch 10", "list", "watch 30"]);
  });

  test("of a kind that isn't installed, takes it as empty, and lists again when it may have come", async ({
    onTestFinished,
  }) => {
    const come = Promise.withResolvers<void>();
    const all = await following(onTestFinished, [failure(404, "NotFound"), list([object("a", "1")], "10")], {
      mayHaveCome: () => come.promise,
    });
    await eventually("it is taken as empty", () => all.heard.length === 1);
    expect([all.heard, all.calls.length]).toEqual([["absent"], 1]);
    come.resolve();
    await all.called(3);
    expect(all.heard).toEqual(["absent", "set a", "listed shop/a"]);
  });

  test("forgets what there was when its kind is taken away", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [list([object("a", "1")], "10"), failure(404, "NotFound")], {
      mayHaveCome: (signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    await eventually("it is forgotten", () => all.heard.length === 3);
    expect(all.heard).toEqual(["set a", "listed shop/a", "absent"]);
  });

  test("watches again after any other error event", async ({ onTestFinished }) => {
    const error = event("ERROR", { kind: "Status", code: 500, reason: "InternalError", message: "etcd" });
    const all = await following(onTestFinished, [list([], "10"), stream([bookmark("15"), error])]);
    await all.called(3);
    expect(versions(all)).toEqual(["list", "watch 10", "watch 15"]);
    expect(all.errors[0]).toMatchObject({ status: 500, reason: "InternalError" });
  });

  test("begins a list anew when a page is gone or fails", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [
      list([object("a", "1")], "10", "next"),
      failure(410, "Expired"),
      list([object("b", "2")], "20"),
    ]);
    await all.called(4);
    expect(query(all.calls[2]!)).toEqual({ limit: "100" });
    expect(all.heard.at(-1)).toBe("listed shop/b");
  });

  test("waits as long as the server asks", async ({ onTestFinished }) => {
    const began = performance.now();
    const all = await following(onTestFinished, [
      failure(429, "TooManyRequests", { "retry-after": "2" }),
      list([], "10"),
    ]);
    await all.called(2);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1990);
    expect(all.errors[0]).toBeInstanceOf(ApiError);
  });

  test("tries again, ever more slowly, while the server fails", async ({ onTestFinished }) => {
    const times: number[] = [];
    const failing: Answer = (response, call) => {
      times.push(performance.now());
      failure(503, "ServiceUnavailable")(response, call);
    };
    const all = await following(onTestFinished, [failing, failing, failing]);
    await all.called(3);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(390);
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(790);
  });

  test("doesn't hammer a server that ends every watch at once", async ({ onTestFinished }) => {
    const all = await following(onTestFinished, [list([], "10")], { otherwise: stream([], "end") });
    await all.called(2);
    const began = performance.now();
    await all.called(3);
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
  });

  test("is not stopped by an object that its sink can't take", async () => {
    const server = await fakeApiServer([list([object("bad", "1")], "10")], list([object("bad", "1")], "10"));
    const stop = new AbortController();
    const errors: unknown[] = [];
    const sink: Sink = {
      set: () => {
        throw new Error("a bug of the sink's");
      },
      listed: () => undefined,
      absent: () => undefined,
      remove: () => undefined,
      failed: (error) => errors.push(error),
    };
    const ended = follow(server.client, { path: "/things" }, sink, stop.signal);
    await server.called(2);
    expect(errors).toHaveLength(1);
    stop.abort();
    await ended;
    await server.stop();
  });

  test.for<[string, Answer[], number]>([
    ["in a list", [], 1],
    ["in a watch", [list([], "10"), stream([bookmark("11")])], 2],
    ["in a pause after a failure", [failure(503, "ServiceUnavailable", { "retry-after": "3600" })], 1],
  ])("ends when it is aborted %s, and reports no failure of that", async ([, answers, calls], { onTestFinished }) => {
    const all = await following(onTestFinished, answers);
    await all.called(calls);
    if (answers.length === 1) await eventually("the failure is told", () => all.errors.length === 1);
    const before = all.errors.length;
    all.abort();
    await all.ended;
    expect(all.errors).toHaveLength(before);
    expect(all.calls).toHaveLength(calls);
  });
});
