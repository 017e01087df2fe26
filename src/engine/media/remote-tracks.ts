/** Tracks that came from peers, by the id under which the room's state speaks of them. */

export class RemoteTracks {
  readonly #tracks = new Map<string, MediaStreamTrack>();

  /** `owner` names the link: ids of tracks are the sender's choice and could meet those of another peer. */
  add(owner: string, track: MediaStreamTrack): string {
    const id = `${owner} ${track.id}`;
    this.#tracks.set(id, track);
    return id;
  }

  get(id: string | undefined): MediaStreamTrack | undefined {
    return id === undefined ? undefined : this.#tracks.get(id);
  }

  removeOwner(owner: string): void {
    for (const id of this.#tracks.keys()) if (id.startsWith(`${owner} `)) this.#tracks.delete(id);
  }
}
