import type { Plugin } from 'vite';

export function workerSource(name: string, from?: string): Promise<string>;
export function workerSourcePlugin(from?: string): Plugin;
