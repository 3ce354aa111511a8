/** `md5:0123…` and bare digests down to what is enough to tell two apart; other versions as they are. */
export function shortVersion(version: string | null | undefined): string {
  const bare = (version ?? '').replace(/^[a-z0-9]+:/, '');
  return /^[0-9a-f]{16,}(\.dir)?$/.test(bare) ? bare.slice(0, 8) : bare;
}
