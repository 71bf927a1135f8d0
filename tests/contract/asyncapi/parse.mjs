// Prints the complaints (errors and warnings) of AsyncAPI's parser about the document on stdin, one a line.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";

const { diagnostics } = await new Parser().parse(await text(process.stdin));
for (const { severity, code, path, message } of diagnostics) {
  if (severity <= 1) console.log(`${code} at ${path.join(".")}: ${message}`);
}
