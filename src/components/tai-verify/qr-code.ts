/** A text as a QR code (ISO/IEC 18004). The encoder is fetched when the first code is drawn. */

/** In modules: `size` is the side with the quiet zone, `path` the dark modules as SVG path data. */
export type QrCode = { readonly size: number; readonly path: string };

/** §9.1 of the standard: a reader may need four light modules around. */
const QUIET_MODULES = 4;

/** Rejects where the encoder cannot be fetched, or the text is too long for any code. */
export async function drawQr(text: string): Promise<QrCode> {
  const { encodeQR } = await import('qr');
  const rows = encodeQR(text, 'raw', { border: QUIET_MODULES });
  return { size: rows.length, path: rows.map(rowPath).join('') };
}

/** Dark modules side by side become one rectangle: no hairlines between them. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = '';
  for (let x = 0; x < row.length; x++) {
    if (!row[x]) continue;
    const start = x;
    while (row[x + 1]) x++;
    path += `M${start} ${y}h${x + 1 - start}v1h${start - x - 1}z`;
  }
  return path;
}
