/*
 * The helper `worker`: what takes long and needs no secret. Today that is proofs about policies (policy/work.h).
 *
 * It has no keys, no files and no network; memory and processor time are limited, and whoever waits for it ends it where it
 * takes too long. libz3 is loaded before confinement, which forbids to open files. It answers one request and ends, so that
 * nothing of one piece of work is left for the next; another one is started in its place. A worker that crashes, or whose
 * answer is too large or of another form, is work without a result: unknown, never proved.
 */
#ifndef GATEHOUSE_HELPERS_WORKER_H
#define GATEHOUSE_HELPERS_WORKER_H

/* control: descriptor of the control socket. Returns the exit status: 0 after one answer, or when told to stop. */
int worker_main(int control);

#endif
