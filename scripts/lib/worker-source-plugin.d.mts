import type { Plugin } from 'vite';

export function workerSource(name: string): Promise<string>;
export function workerSourcePlugin(): Plugin;
