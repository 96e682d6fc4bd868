/*
 * The keeper as a process: takes configuration, passphrase and channels from the supervisor, confines itself, opens the
 * installation, and serves one gateway after another (base/ipc_control.h).
 */
#ifndef GATEHOUSE_KEEPER_PROCESS_H
#define GATEHOUSE_KEEPER_PROCESS_H

/* control: descriptor of the control socket. Returns the exit status. */
int keeper_main(int control);

#endif
