// Writes what is generated of the charts; with --check, fails when committed files are stale.
import { writeOrCheck } from "../../operator/api/generate.ts";
import { chartFiles } from "./files.ts";

writeOrCheck(chartFiles());
