/** What workerd offers to Workers under test with the flag `unsafe_module`, as far as it is used here. */
declare module 'workerd:unsafe' {
  const unsafe: {
    /** The object is put to sleep: its memory is lost, and its hibernating sockets stay. Resolves when it is done. */
    evict(stub: DurableObjectStub): Promise<void>;
  };
  export default unsafe;
}
