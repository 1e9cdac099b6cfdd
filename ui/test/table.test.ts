import { expect, test } from "vitest";
import { csv } from "../src/data/table";

test("text that a spreadsheet would run is defused, numbers stay numbers", () => {
  const cells = ["=1+1", "+1+1", "-1+cmd|' /C calc'!A1", "@x", "-0.5", "1.25", "a,b", 'say "x"'];
  expect(csv({ columns: ["c"], rows: cells.map((cell) => [cell]) }).split("\r\n")).toEqual([
    "c",
    "'=1+1",
    "'+1+1",
    "'-1+cmd|' /C calc'!A1",
    "'@x",
    "-0.5",
    "1.25",
    '"a,b"',
    '"say ""x"""',
    "",
  ]);
});
