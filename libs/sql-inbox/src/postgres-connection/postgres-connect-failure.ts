/** Codes of Node for a file that cannot be read. A socket's errors have other ones, or `connect` for a system call. */
const UNREADABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR']);

/** Why no connection was made, where no server said so, and what to do. */
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
    return "the server's certificate is not trusted; name its authority by sslrootcert, and the host as the certificate does";
  }
  if (String(message).includes('does not support SSL')) {
    return 'the server offers no TLS; turn it on there, or set sslmode=disable if nobody else can read the network between';
  }
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN') {
    return 'the name of its host is not known; correct the name, or look at the DNS of this host';
  }
  if (name === 'ERR_SOCKET_BAD_PORT') return 'its port is not a number from 1 to 65535';
  return 'the server cannot be reached, does not answer, or no connection is free; check its address, the network, that it runs, and who holds connections';
}
