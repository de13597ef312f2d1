import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiError, isConflict, isGone, isNamespaceTerminating, isNotFound } from "../../../operator/kube/errors.ts";
import { apply, collectionPath, read, remove } from "../../../operator/kube/resource.ts";
import {
  type Answer,
  type FakeApiServer,
  failure,
  fakeApiServer,
  hang,
  json,
  object,
  stream,
  token,
} from "../../support/api-server.ts";

const things = { apiVersion: "example.com/v1", kind: "Thing", plural: "things" };
const canary = "canary-in-the-body";
let server: FakeApiServer;
let answer: Answer = hang;
beforeEach(async () => {
  server = await fakeApiServer([], (response, call) => answer(response, call));
});
afterEach(() => server.stop());

const errorOf = async (how: Answer): Promise<ApiError> => {
  answer = how;
  return server.client.json({ path: "/x", method: "PATCH", body: { canary } }).then(
    () => expect.fail("no error"),
    (error) => error,
  );
};

describe("a request", () => {
  test("carries the log-in, says who asks, and gives back JSON", async () => {
    answer = json({ a: 1 });
    expect(await server.client.json({ path: "/x", query: { a: "1 2", b: undefined, c: true } })).toEqual({ a: 1 });
    const [call] = server.calls;
    expect(call?.url.search).toBe("?a=1+2&c=true");
    expect(call?.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      "user-agent": "anypod",
      accept: "application/json",
    });
  });

  test("goes over kept-alive connections, not over a new one each", async () => {
    const ports = new Set<number | undefined>();
    answer = (response, call) => {
      ports.add(response.req.socket.remotePort);
      json({})(response, call);
    };
    for (let n = 0; n < 10; n++) await server.client.json({ path: "/x" });
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  test("fails when the server is silent for longer than asked", async () => {
    answer = hang;
    await expect(server.client.json({ path: "/x", timeout: 50 })).rejects.toThrow(/timeout/i);
  });

  test("ends when it is aborted", async () => {
    answer = hang;
    const stop = new AbortController();
    const asked = server.client.json({ path: "/x", signal: stop.signal });
    void server.called(1).then(() => stop.abort());
    await expect(asked).rejects.toThrow(/abort/i);
  });
});

describe("an error", () => {
  test("has the server's status, reason, message and causes", async () => {
    const causes = [{ reason: "FieldValueInvalid", message: "must be more", field: "spec.x" }, {}];
    const error = await errorOf(
      json({ kind: "Status", reason: "Invalid", message: "Thing is invalid", details: { causes } }, 422),
    );
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, reason: "Invalid", message: "Thing is invalid", retryAfter: undefined });
    expect(error.causes).toEqual([causes[0], { reason: "", message: "", field: "" }]);
  });

  test("has the seconds to wait, from the header or from the details", async () => {
    expect((await errorOf(failure(429, "TooManyRequests", { "retry-after": "7" }))).retryAfter).toBe(7);
    expect((await errorOf(json({ details: { retryAfterSeconds: 3 } }, 503))).retryAfter).toBe(3);
    expect(
      (await errorOf(failure(503, "ServiceUnavailable", { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" })))
        .retryAfter,
    ).toBeUndefined();
  });

  test.each<[string, Answer]>([
    ["HTML of a proxy", (response) => void response.writeHead(502).end("<html>bad gateway</html>")],
    ["nothing", (response) => void response.writeHead(502).end()],
    ["null", json(null, 502)],
    ["a redirect's page", (response) => void response.writeHead(302, { location: "https://elsewhere" }).end()],
  ])("of %s is typed too", async (_, how) => {
    const error = await errorOf(how);
    expect(error).toBeInstanceOf(ApiError);
    expect(error.message).toMatch(/^the API server answered (502|302)$/);
  });

  test("shows nothing of the request: no header, no body, no token", async () => {
    for (const how of [
      failure(403, "Forbidden"),
      json({}, 500),
      (response: Parameters<Answer>[0]) => void response.destroy(),
    ]) {
      const error = await errorOf(how);
      const shown = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
      expect(shown).not.toContain(token);
      expect(shown).not.toContain(canary);
      expect(shown).not.toMatch(/bearer/i);
    }
  });

  test("is told apart by what callers decide on", async () => {
    expect(isNotFound(await errorOf(failure(404, "NotFound")))).toBe(true);
    expect(isConflict(await errorOf(failure(409, "Conflict")))).toBe(true);
    expect(isGone(await errorOf(failure(410, "Expired")))).toBe(true);
    expect(isNotFound(await errorOf(failure(409, "Conflict")))).toBe(false);
    expect(isNotFound(new Error("404"))).toBe(false);
    const terminating = json({ details: { causes: [{ reason: "NamespaceTerminating" }] } }, 403);
    expect(isNamespaceTerminating(await errorOf(terminating))).toBe(true);
    expect(isNamespaceTerminating(await errorOf(failure(403, "Forbidden")))).toBe(false);
  });
});

describe("lines", () => {
  const collect = async () => {
    const lines = [];
    for await (const line of server.client.lines({ path: "/x" })) lines.push(line);
    return lines;
  };

  test("come one by one, and what was cut is dropped", async () => {
    answer = stream(["a", "b"], { cut: "c" });
    expect(await collect()).toEqual(["a", "b"]);
  });

  test("throw typed errors too", async () => {
    answer = failure(410, "Expired");
    await expect(collect()).rejects.toMatchObject({ status: 410 });
  });

  test("throw when the connection breaks", async () => {
    answer = stream(["a"], "break");
    await expect(collect()).rejects.toThrow();
  });

  test("throw when the stream is silent for longer than asked: it may be half open", async () => {
    answer = stream(["a"]);
    const heard: string[] = [];
    const reading = (async () => {
      for await (const line of server.client.lines({ path: "/x", timeout: 50 })) heard.push(line);
    })();
    await expect(reading).rejects.toThrow(/timeout/i);
    expect(heard).toEqual(["a"]);
  });

  test("let go of the connection when nobody reads on", async () => {
    let closed: Promise<void> = Promise.resolve();
    answer = (response, call) => {
      closed = new Promise((resolve) => response.once("close", () => resolve()));
      stream(["a", "b"])(response, call);
    };
    for await (const _ of server.client.lines({ path: "/x" })) break;
    await closed;
  });
});

describe("the calls on a kind", () => {
  test("have the paths of core and of other groups, in a namespace or in all", () => {
    expect(collectionPath({ apiVersion: "v1", kind: "Pod", plural: "pods" })).toBe("/api/v1/pods");
    expect(collectionPath(things, "shop")).toBe("/apis/example.com/v1/namespaces/shop/things");
  });

  test("apply server-side, strictly, under a name", async () => {
    answer = json(object("a", "1"));
    const value = { metadata: { namespace: "shop", name: "a" }, spec: { x: 1 } };
    await apply(server.client, things, value, { fieldManager: "anypod", force: true, subresource: "status" });
    const [call] = server.calls;
    expect(call?.method).toBe("PATCH");
    expect(call?.url.pathname).toBe("/apis/example.com/v1/namespaces/shop/things/a/status");
    expect(call?.url.search).toBe("?fieldManager=anypod&force=true&fieldValidation=Strict");
    expect(call?.headers["content-type"]).toBe("application/apply-patch+yaml");
    expect(JSON.parse(call?.body ?? "")).toEqual(value);
  });

  test("delete the object of one uid only", async () => {
    answer = json({});
    await remove(server.client, things, { namespace: "shop", name: "a", uid: "u" });
    expect(server.calls[0]?.method).toBe("DELETE");
    expect(JSON.parse(server.calls[0]?.body ?? "")).toMatchObject({
      preconditions: { uid: "u" },
      propagationPolicy: "Background",
    });
  });

  test("read one object", async () => {
    answer = json(object("a", "1"));
    expect(await read(server.client, things, { namespace: "shop", name: "a" })).toEqual(object("a", "1"));
  });
});
