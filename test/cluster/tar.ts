// Writes tar archives that depend on nothing but their contents: no times, no owners, entries in the order given.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";

export interface TarEntry {
  /** The path in the archive, without a leading slash; a folder's ends in one. */
  path: string;
  /** What the file holds, or where that is on this machine. Nothing for a folder. */
  content?: Buffer | { file: string };
  /** Makes it a symbolic link to this. */
  link?: string;
  /** 0o644 (0o755 for folders) unless told. */
  mode?: number;
}

export interface WrittenTar {
  /** In lower-case hexadecimal. */
  sha256: string;
  bytes: number;
}

/** Writes `entries` to `path`. */
export async function writeTar(path: string, entries: TarEntry[]): Promise<WrittenTar> {
  const hash = createHash("sha256");
  let bytes = 0;
  async function* hashed() {
    for await (const chunk of archive(entries)) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await pipeline(hashed, createWriteStream(path));
  return { sha256: hash.digest("hex"), bytes };
}

const block = 512;

async function* archive(entries: TarEntry[]): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const size = sizeOf(entry.content);
    yield header(entry, size);
    if (Buffer.isBuffer(entry.content)) yield entry.content;
    else if (entry.content) yield* createReadStream(entry.content.file, { highWaterMark: 1 << 20 });
    yield Buffer.alloc((block - (size % block)) % block);
  }
  yield Buffer.alloc(2 * block);
}

function sizeOf(content: TarEntry["content"]): number {
  if (content === undefined) return 0;
  return Buffer.isBuffer(content) ? content.length : statSync(content.file).size;
}

/** The "ustar" header of POSIX.1-1988. */
function header({ path, mode, link }: TarEntry, size: number): Buffer {
  const folder = path.endsWith("/");
  const { name, prefix } = split(path);
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0);
  bytes.write(octal(mode ?? (folder ? 0o755 : 0o644), 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(size, 12), 124);
  bytes.write(octal(0, 12), 136);
  bytes.write("        ", 148);
  bytes.write(typeOf(link, folder), 156);
  if (link) bytes.write(link, 157, 100);
  bytes.write("ustar\u000000", 257);
  bytes.write(prefix, 345);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${octal(sum, 7)}\u0000 `.slice(-8), 148);
  return bytes;
}

function typeOf(link: string | undefined, folder: boolean): string {
  if (link) return "2";
  return folder ? "5" : "0";
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\u0000`;
}

/** A path of more than 100 bytes is cut at a slash into a name and a prefix. */
function split(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  const cut = path.lastIndexOf("/", 154);
  const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
  if (cut < 1 || Buffer.byteLength(name) > 100) throw new Error(`the path is too long for a tar archive: ${path}`);
  return { name, prefix };
}
