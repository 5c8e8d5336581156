"""The parts of the faults benchmark: functions of where and how often; their short forms are tests of the suite."""
