// Spark's side: the RDD API in Scala. `Bench WORKLOAD [arguments]`, as bench.py gives them.

import org.apache.spark.{SparkConf, SparkContext}

object Bench {
  def main(args: Array[String]): Unit = {
    val sc = new SparkContext(new SparkConf().setAppName(args.mkString(" ")))
    val started = System.nanoTime
    args.toList match {
      case List("trivial")                => println(s"answer ${sc.range(0, 1, 1, 1).count()}")
      case List("submit-cold" | "submit-warm") =>
        val began = sc.range(0, 1, 1, 1).map(_ => System.currentTimeMillis / 1e3).collect()
        println(f"first task at ${began(0)}%.3f\nanswer ${began.length}")
      case List("jobs", jobs)             => println(s"answer ${(1 to jobs.toInt).map(_ => sc.range(0, 1, 1, 1).count()).sum}")
      case List("tasks", tasks)           => println(s"answer ${sc.range(0, tasks.toLong, 1, tasks.toInt).count()}")
      case List("listing", folder)        => println(s"answer ${listing(sc, folder)}")
      case List("pi", partitions, darts)  => println(s"pi is roughly ${pi(sc, partitions.toInt, darts.toLong)}")
      case List("words", input, output)   => words(sc, input, output)
      case List("sort", input, output)    => sort(sc, input, output)
      case List("rank", edges, iterations) => println(s"sum of ranks ${rank(sc, edges, iterations.toInt)}")
      case other                           => sys.error(s"no such workload: $other")
    }
    Console.err.println(f"done in ${(System.nanoTime - started) / 1e9}%.3f s")
    sc.stop()
  }

  // The mebibyte goes as a broadcast variable: inside the closure Spark would decode it for each task.
  def listing(sc: SparkContext, folder: String): Long = {
    val table = sc.broadcast(Array.tabulate(1 << 20)(index => (index % 251).toByte))
    sc.textFile(folder).map(line => (table.value(line.toInt) & 0xff).toLong).reduce(_ + _)
  }

  // SplitMix64, seeded by the partition, as in examples/pi.rs: the same darts.
  def pi(sc: SparkContext, partitions: Int, darts: Long): Double = {
    val throws = darts / partitions
    val inside = sc.range(0, partitions, 1, partitions).map { seed =>
      var (state, hits, thrown) = (seed.toLong, 0L, 0L)
      def coordinate(): Double = {
        state += 0x9e3779b97f4a7c15L
        var z = state
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL
        ((z ^ (z >>> 31)) >>> 11).toDouble / (1L << 53)
      }
      while (thrown < throws) {
        val x = coordinate()
        val y = coordinate()
        if (x * x + y * y < 1.0) hits += 1
        thrown += 1
      }
      hits
    }.reduce(_ + _)
    4.0 * inside / (throws * partitions)
  }

  def words(sc: SparkContext, input: String, output: String): Unit =
    sc.textFile(input).flatMap(_.split(" ")).map((_, 1)).reduceByKey(_ + _)
      .map { case (word, count) => s"$word\t$count" }
      .saveAsTextFile(output)

  def sort(sc: SparkContext, input: String, output: String): Unit =
    sc.textFile(input).map(line => (line.substring(0, 10), line.substring(10))).sortByKey()
      .map { case (key, rest) => key + rest }
      .saveAsTextFile(output)

  // The shape of Spark's own example, tuned: ids are Ints, the links of a node an array.
  def rank(sc: SparkContext, edges: String, iterations: Int): Double = {
    val links = sc.textFile(edges).map { line =>
      val space = line.indexOf(' ')
      (line.substring(0, space).toInt, line.substring(space + 1).toInt)
    }.distinct().groupByKey().mapValues(_.toArray).cache()
    var ranks = links.mapValues(_ => 1.0)
    for (_ <- 1 to iterations) {
      val flows = links.join(ranks).values.flatMap { case (targets, rank) =>
        val each = rank / targets.length
        targets.iterator.map(target => (target, each))
      }
      ranks = flows.reduceByKey(_ + _).mapValues(0.15 + 0.85 * _)
    }
    ranks.values.sum()
  }
}
