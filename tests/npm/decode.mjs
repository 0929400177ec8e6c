// What a printer was sent, read by npos: raw bytes on the standard input, one JSON object on the standard output.
//
// Decides nothing about what is right; nothing of ours is asked how ESC/POS is to be read. Gives
//   commands  names in their order: control letter, then its function with a byte that is no letter in hexadecimal
//   text      bytes in hexadecimal that are no part of any command: a printer takes them for letters
//   picture   all raster blocks below one another: width and height in dots, rows as base64, a bit per dot, 1 = black
// or ends with status 1 and the reason where npos cannot read on.

import { readFileSync } from "node:fs";
import npos from "npos";

const DLE = 0x10;
const BLACK = 0;

// npos 0.1.19 has the function numbers of DLE DC4 as the letters "1", "2", "8"; they are bytes (Epson, DLE DC4).
const rules = { ...npos.rules, [DLE]: { ...npos.rules[DLE], "\x14\x08": 7 } };

function name(node) {
  const letters = [...(node.fn ?? "")].map((each) => (each > " " ? each : each.charCodeAt(0).toString(16)));
  return [node.ascii, ...letters].join(" ");
}

function picture(bitmap) {
  const stride = Math.ceil(bitmap.getWidth() / 8);
  const rows = Buffer.alloc(stride * bitmap.getHeight());
  for (let y = 0; y < bitmap.getHeight(); y++) {
    for (let x = 0; x < bitmap.getWidth(); x++) {
      if (bitmap.getPixel(x, y) === BLACK) rows[y * stride + (x >> 3)] |= 0x80 >> (x & 7);
    }
  }
  return { width: bitmap.getWidth(), height: bitmap.getHeight(), rows: rows.toString("base64") };
}

const raw = readFileSync(0);
const read = await npos.parser(rules).parse(raw);
const rasters = read.entries.filter((entry) => entry.type === "raster");
const letters = read.tree.filter((node) => node.ascii === "STX").map((node) => [node.offset, node.offset + node.length]);
if (rasters.length !== 1) throw new Error(`${rasters.length} pictures that something else stands between, and not one`);
console.log(
  JSON.stringify({
    commands: read.tree.filter((node) => node.ascii !== "STX").map(name),
    text: letters.map(([begin, end]) => raw.subarray(begin, end).toString("hex")).join(""),
    picture: picture(rasters[0].data),
  }),
);
