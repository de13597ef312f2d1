// Finding commands on this machine.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a command on PATH (or where administrators' commands are); undefined when it isn't installed. */
export function commandPath(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
