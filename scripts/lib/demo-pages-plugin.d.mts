import type { Plugin } from 'vite';

export const FRAME_FOLDER: string;
export function framePage(html: string, path: string): string;
export function demoPagesPlugin(): Plugin;
