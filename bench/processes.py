"""What processes take of the processor."""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(top):
    """The processor time of the process `top` and of all below it, also of those that have ended."""
    return sum(cpu for _, cpu in family(top).values()) / TICKS


def family(top):
    """Every process below `top` and itself: its id, its parent's, its ticks."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(entry)] = int(fields[1]), sum(map(int, fields[11:15]))
    members = {top}
    while more := {pid for pid, (parent, _) in found.items() if parent in members} - members:
        members |= more
    return {pid: found[pid] for pid in members if pid in found}
