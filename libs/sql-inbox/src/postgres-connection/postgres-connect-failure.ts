/** Node's codes for a file that cannot be read. Errors of a socket have other codes, or `connect` as system call. */
const UNREADABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR']);

/** Returns cause and remedy for a connection that failed without an error from a server. */
export function connectRemedy(error: unknown): string {
  const { code, syscall, message } = error as { code?: unknown; syscall?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : '';
  if (UNREADABLE.has(name) && syscall !== 'connect') {
    return 'a file for TLS (sslrootcert, sslcert or sslkey) cannot be read; correct its path, or let the user of this process read it';
  }
  if (name.startsWith('ERR_OSSL')) {
    return 'a certificate or a key for TLS (sslcert, sslkey) is not in PEM, or the two do not belong together';
  }
  if (name.includes('CERT') || name === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') {
    return "the server's certificate is not trusted; pass its authority as sslrootcert, and use the host name of the certificate";
  }
  if (String(message).includes('does not support SSL')) {
    return 'the server offers no TLS; enable it there, or set sslmode=disable on a private network';
  }
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN') {
    return 'the host name cannot be resolved; correct it, or check the DNS of this host';
  }
  if (name === 'ERR_SOCKET_BAD_PORT') return 'its port is not an integer from 1 to 65535';
  return 'the server cannot be reached or does not respond, or no connection is free; check its address, the network, that it is running, and which clients hold connections';
}
