// The open buses are a list of the process, and several tests are about what is in it.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
